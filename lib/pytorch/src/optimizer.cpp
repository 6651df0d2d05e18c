#include "linreg/pytorch/optimizer.hpp"

#include <ATen/ops/maximum.h>
#include <c10/util/Exception.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "state_dict_detail.hpp"
#include "version.hpp"

namespace linreg::pytorch {
namespace {

namespace optim = torch::optim;

/// The key of a parameter in an optimizer's state, a text before 2.2.
template <typename State>
auto key_of(const State& state, const at::Tensor& param) {
  using Key = typename std::decay_t<decltype(state)>::key_type;
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream address;
    address << param.unsafeGetTensorImpl();
    return address.str();
  } else {
    return static_cast<void*>(param.unsafeGetTensorImpl());
  }
}

/// Runs `action` on the optimizer as what it is: SGD, Adam or AdamW.
template <typename Optimizer, typename Action>
auto visit(Optimizer& optimizer, Action action) {
  const auto as = [&]<typename T>(T*) {
    return dynamic_cast<std::conditional_t<std::is_const_v<Optimizer>, const T, T>*>(&optimizer);
  };
  if (auto* const sgd = as(static_cast<optim::SGD*>(nullptr))) return action(*sgd);
  if (auto* const adam = as(static_cast<optim::Adam*>(nullptr))) return action(*adam);
  auto* const adamw = as(static_cast<optim::AdamW*>(nullptr));
  TORCH_CHECK(adamw != nullptr, "the optimizer is neither SGD nor Adam nor AdamW");
  return action(*adamw);
}

template <typename Optimizer>
struct TypesOf;
template <>
struct TypesOf<optim::SGD> {
  using Options = optim::SGDOptions;
  using State = optim::SGDParamState;
};
template <>
struct TypesOf<optim::Adam> {
  using Options = optim::AdamOptions;
  using State = optim::AdamParamState;
};
template <>
struct TypesOf<optim::AdamW> {
  using Options = optim::AdamWOptions;
  using State = optim::AdamWParamState;
};

template <typename Options>
constexpr bool is_sgd = std::is_same_v<Options, optim::SGDOptions>;

template <typename Options>
Value::Dict group_dict(const Options& options) {
  if constexpr (is_sgd<Options>) {
    return {{"lr", options.lr()},
            {"momentum", options.momentum()},
            {"dampening", options.dampening()},
            {"weight_decay", options.weight_decay()},
            {"nesterov", options.nesterov()}};
  } else {
    const auto [beta1, beta2] = options.betas();
    return {{"lr", options.lr()},
            {"betas", Value::Tuple{{beta1, beta2}}},
            {"eps", options.eps()},
            {"weight_decay", options.weight_decay()},
            {"amsgrad", options.amsgrad()}};
  }
}

Value::Dict param_dict(const optim::SGDParamState& state) {
  return {{"momentum_buffer", state.momentum_buffer()}};
}

template <typename AdamState>
Value::Dict param_dict(const AdamState& state) {
  Value::Dict dict{{"step", at::scalar_tensor(static_cast<double>(state.step()), at::kFloat)},
                   {"exp_avg", state.exp_avg()},
                   {"exp_avg_sq", state.exp_avg_sq()}};
  if (state.max_exp_avg_sq().defined()) dict.emplace_back("max_exp_avg_sq", state.max_exp_avg_sq());
  return dict;
}

/// A number that Python may hold as a float, an int or a tensor.
double number(const Value& value) {
  if (value.is<std::int64_t>()) return static_cast<double>(value.as<std::int64_t>());
  if (value.is<at::Tensor>() && value.as<at::Tensor>().numel() == 1) {
    return value.as<at::Tensor>().item<double>();
  }
  return value.as<double>();
}

/// Runs `action` on the dict's value of that key, and names it in errors.
template <typename Action>
auto with(const Value& dict, const std::string& key, Action action) {
  return detail::naming_entry(key, [&] { return action(dict[key]); });
}

double number(const Value& dict, const std::string& key) {
  return with(dict, key, [](const Value& value) { return number(value); });
}

bool flag(const Value& dict, const std::string& key) {
  return with(dict, key, [](const Value& value) { return value.as<bool>(); });
}

template <typename Options>
Options options_from(const Value& group) {
  for (const char* const key : {"maximize", "decoupled_weight_decay"}) {
    const bool is_adamw = std::is_same_v<Options, optim::AdamWOptions> && key[0] == 'd';
    const Value* const value = group.find(key);
    TORCH_CHECK(value == nullptr || is_adamw || !value->as<bool>(), key,
                " is True, which LibTorch's optimizer can't do");
  }
  Options options(number(group, "lr"));
  options.weight_decay(number(group, "weight_decay"));
  if constexpr (is_sgd<Options>) {
    options.momentum(number(group, "momentum"));
    options.dampening(number(group, "dampening"));
    options.nesterov(flag(group, "nesterov"));
  } else {
    options.eps(number(group, "eps"));
    options.amsgrad(flag(group, "amsgrad"));
    options.betas(with(group, "betas", [](const Value& value) {
      const auto& betas = value.as<Value::Tuple>().items;
      TORCH_CHECK(betas.size() == 2, "it has ", betas.size(), " numbers, not 2");
      return std::tuple(number(betas[0]), number(betas[1]));
    }));
  }
  return options;
}

/// The tensor of that key, copied in the parameter's dtype; undefined where there is none.
at::Tensor buffer(const Value& dict, const std::string& key, const at::Tensor& param) {
  const Value* const value = dict.find(key);
  if (value == nullptr || value->is<Value::None>()) return {};
  return detail::naming_entry(key, [&] {
    const at::Tensor& tensor = value->as<at::Tensor>();
    TORCH_CHECK(tensor.sizes() == param.sizes(), "it has shape ", tensor.sizes(),
                ", the parameter ", param.sizes());
    return tensor.detach().to(param.options().requires_grad(false), /*non_blocking=*/false,
                              /*copy=*/true);
  });
}

template <typename State>
std::unique_ptr<State> param_state(const Value& dict, const at::Tensor& param) {
  auto state = std::make_unique<State>();
  if constexpr (std::is_same_v<State, optim::SGDParamState>) {
    state->momentum_buffer(buffer(dict, "momentum_buffer", param));
    if (!state->momentum_buffer().defined()) return nullptr;  // the next step makes one
  } else {
    state->step(static_cast<std::int64_t>(number(dict, "step")));
    state->exp_avg(buffer(dict, "exp_avg", param));
    state->exp_avg_sq(buffer(dict, "exp_avg_sq", param));
    TORCH_CHECK(state->exp_avg().defined() && state->exp_avg_sq().defined(),
                "it has no exp_avg or exp_avg_sq");
    state->max_exp_avg_sq(buffer(dict, "max_exp_avg_sq", param));
  }
  return state;
}

/// As Python's, in its order; LibTorch's has other operations, and the same state and options.
template <typename Adam>
void adam_step(Adam& optimizer) {
  using Options = typename TypesOf<Adam>::Options;
  using State = typename TypesOf<Adam>::State;
  const torch::NoGradGuard no_grad;
  for (auto& group : optimizer.param_groups()) {
    const auto& options = static_cast<const Options&>(group.options());
    const auto [beta1, beta2] = options.betas();
    for (at::Tensor& param : group.params()) {
      if (!param.grad().defined()) continue;
      at::Tensor grad = param.grad();
      auto& saved = optimizer.state()[key_of(optimizer.state(), param)];
      if (saved == nullptr) {
        auto fresh = std::make_unique<State>();
        fresh->exp_avg(at::zeros_like(param, at::MemoryFormat::Preserve));
        fresh->exp_avg_sq(at::zeros_like(param, at::MemoryFormat::Preserve));
        if (options.amsgrad()) fresh->max_exp_avg_sq(at::zeros_like(param));
        saved = std::move(fresh);
      }
      auto& state = static_cast<State&>(*saved);
      state.step(state.step() + 1);
      if (options.weight_decay() != 0) {
        if constexpr (std::is_same_v<Adam, optim::AdamW>) {
          param.mul_(1 - options.lr() * options.weight_decay());
        } else {
          grad = grad.add(param, options.weight_decay());
        }
      }
      state.exp_avg().lerp_(grad, 1 - beta1);
      state.exp_avg_sq().mul_(beta2).addcmul_(grad, grad, 1 - beta2);
      const auto step = static_cast<double>(state.step());
      const double bias_correction1 = 1 - std::pow(beta1, step);
      const double bias_correction2_sqrt = std::sqrt(1 - std::pow(beta2, step));
      at::Tensor denom = state.exp_avg_sq();
      if (options.amsgrad()) {
        denom = state.max_exp_avg_sq();
        at::maximum_out(denom, denom, state.exp_avg_sq());
      }
      denom = (denom.sqrt() / bias_correction2_sqrt).add_(options.eps());
      param.addcdiv_(state.exp_avg(), denom, -(options.lr() / bias_correction1));
    }
  }
}

}  // namespace

Value state_dict(const optim::Optimizer& given) {
  return visit(given, [](const auto& optimizer) -> Value {
    using Types = TypesOf<std::decay_t<decltype(optimizer)>>;
    Value::Dict state;
    Value::List groups;
    std::int64_t index = 0;
    for (const auto& group : optimizer.param_groups()) {
      Value::List params;
      for (const at::Tensor& param : group.params()) {
        const auto saved = optimizer.state().find(key_of(optimizer.state(), param));
        if (saved != optimizer.state().end()) {
          state.emplace_back(index,
                             param_dict(static_cast<const typename Types::State&>(*saved->second)));
        }
        params.emplace_back(index++);
      }
      Value::Dict dict = group_dict(static_cast<const typename Types::Options&>(group.options()));
      dict.emplace_back("params", params);
      groups.emplace_back(dict);
    }
    return Value::Dict{{"state", state}, {"param_groups", groups}};
  });
}

void load_into(optim::Optimizer& given, const Value& state_dict) {
  visit(given, [&](auto& optimizer) {
    using Types = TypesOf<std::decay_t<decltype(optimizer)>>;
    auto& groups = optimizer.param_groups();
    const auto& saved_groups = state_dict["param_groups"].as<Value::List>();
    TORCH_CHECK(saved_groups.size() == groups.size(), "the state has ", saved_groups.size(),
                " groups of parameters, the optimizer ", groups.size());
    std::vector<typename Types::Options> options;
    std::vector<std::pair<at::Tensor, std::unique_ptr<typename Types::State>>> states;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      detail::naming_entry("param_groups." + std::to_string(g), [&] {
        options.push_back(options_from<typename Types::Options>(saved_groups[g]));
        const auto& ids = saved_groups[g]["params"].as<Value::List>();
        const auto& params = groups[g].params();
        TORCH_CHECK(ids.size() == params.size(), "it has ", ids.size(),
                    " parameters, the optimizer's has ", params.size());
        for (std::size_t i = 0; i < params.size(); ++i) {
          const auto id = ids[i].as<std::int64_t>();
          const Value* const saved = state_dict["state"].find(id);
          states.emplace_back(
              params[i],
              saved == nullptr ? nullptr : detail::naming_entry("state." + std::to_string(id), [&] {
                return param_state<typename Types::State>(*saved, params[i]);
              }));
        }
      });
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
      static_cast<typename Types::Options&>(groups[g].options()) = options[g];
    }
    for (auto& [param, state] : states) {
      const auto key = key_of(optimizer.state(), param);
      optimizer.state().erase(key);
      if (state != nullptr) optimizer.state()[key] = std::move(state);
    }
  });
}

void step(optim::Optimizer& given) {
  visit(given, [](auto& optimizer) {
    if constexpr (detail::since(2, 1) &&
                  !std::is_same_v<std::decay_t<decltype(optimizer)>, optim::SGD>) {
      adam_step(optimizer);
    } else {
      optimizer.step();
    }
  });
}

}  // namespace linreg::pytorch
