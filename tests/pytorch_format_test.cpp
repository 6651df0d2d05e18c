#include <ATen/CPUGeneratorImpl.h>
#include <fmt/ranges.h>  // its formatters take everything that iterates; ours must win
#include <gtest/gtest.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <linreg/pytorch/format.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "python_scripts.hpp"

namespace {

using linreg::pytorch::printed;
using linreg::pytorch::PrintOptions;
using torch::tensor;

constexpr float nan_ = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();
using Complex = c10::complex<float>;

std::string str(const torch::Tensor& value) { return fmt::format("{}", value); }

std::string str(const torch::Tensor& value, PrintOptions options) {
  return fmt::format("{}", printed(value, options));
}

bool libtorch_since(int major, int minor) {
  return TORCH_VERSION_MAJOR > major ||
         (TORCH_VERSION_MAJOR == major && TORCH_VERSION_MINOR >= minor);
}

// PyTorch 1.13 and 2.13 both print the expected texts, unless a test says otherwise.

TEST(FormatTensor, PrintsAScalarWithoutBrackets) {
  EXPECT_EQ(str(tensor(5)), "tensor(5)");
  EXPECT_EQ(str(tensor(0.5F)), "tensor(0.5000)");
  EXPECT_EQ(str(tensor(-0.0F)), "tensor(-0.)");
  EXPECT_EQ(str(tensor(nan_)), "tensor(nan)");
  EXPECT_EQ(str(tensor(12345678912.0F)), "tensor(1.2346e+10)");
}

TEST(FormatTensor, PrintsIntegralFloatsWithABarePoint) {
  EXPECT_EQ(str(tensor({1.0F, 2.0F, -3.0F})), "tensor([ 1.,  2., -3.])");
  EXPECT_EQ(str(tensor({1.0F, 1000.0F})), "tensor([   1., 1000.])");
  EXPECT_EQ(str(tensor({1e8F})), "tensor([100000000.])");
}

TEST(FormatTensor, ChoosesScientificNotationByRangeAndSize) {
  EXPECT_EQ(str(tensor({1.0F, 1001.0F})), "tensor([1.0000e+00, 1.0010e+03])");
  EXPECT_EQ(str(tensor({1.5F, 1e8F + 8})), "tensor([1.5000e+00, 1.0000e+08])");
  EXPECT_EQ(str(tensor({9e-5F, 1.0F})), "tensor([9.0000e-05, 1.0000e+00])");
  EXPECT_EQ(str(tensor({0.0003F, -0.0004F})), "tensor([ 0.0003, -0.0004])");
}

TEST(FormatTensor, RoundsHalvesToEven) {
  EXPECT_EQ(str(tensor({0.5F, 1.5F, 2.5F, 0.03125F})), "tensor([0.5000, 1.5000, 2.5000, 0.0312])");
  EXPECT_EQ(str(tensor({0.5F, 1.5F, 2.5F}), {.precision = 0}), "tensor([0, 2, 2])");
}

TEST(FormatTensor, DerivesNotationAndWidthFromFiniteNumbersOnly) {
  EXPECT_EQ(str(tensor({-0.0F, 0.0F, nan_, -nan_, inf, -inf})),
            "tensor([-0., 0., nan, nan, inf, -inf])");
  EXPECT_EQ(str(tensor({1.0F, -0.0F, nan_, -inf})), "tensor([1., -0., nan, -inf])");
  EXPECT_EQ(str(tensor({1.5F, -0.0F, nan_, inf})), "tensor([1.5000, -0.0000,    nan,    inf])");
  EXPECT_EQ(str(tensor({1e10F, -0.0F, nan_, -inf})),
            "tensor([1.0000e+10, -0.0000e+00,        nan,       -inf])");
}

TEST(FormatTensor, PrintsExtremes) {
  EXPECT_EQ(str(tensor({5e-324, 1.7976931348623157e308}, torch::kDouble)),
            "tensor([4.9407e-324, 1.7977e+308], dtype=torch.float64)");
  EXPECT_EQ(str(tensor({1e-45F})), "tensor([1.4013e-45])");
  EXPECT_EQ(str(tensor({65504.0, 6e-8}, torch::kHalf)),
            "tensor([6.5504e+04, 5.9605e-08], dtype=torch.float16)");
  EXPECT_EQ(str(tensor({std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::int64_t>::max()})),
            "tensor([-9223372036854775808,  9223372036854775807])");
}

TEST(FormatTensor, NamesEveryDtypeButTheDefaults) {
  const auto of = [](torch::ScalarType dtype) { return str(torch::ones({1}, dtype)); };
  EXPECT_EQ(of(torch::kFloat), "tensor([1.])");
  EXPECT_EQ(of(torch::kLong), "tensor([1])");
  EXPECT_EQ(of(torch::kBool), "tensor([True])");
  EXPECT_EQ(of(torch::kComplexFloat), "tensor([1.+0.j])");
  EXPECT_EQ(of(torch::kDouble), "tensor([1.], dtype=torch.float64)");
  EXPECT_EQ(of(torch::kHalf), "tensor([1.], dtype=torch.float16)");
  EXPECT_EQ(of(torch::kBFloat16), "tensor([1.], dtype=torch.bfloat16)");
  EXPECT_EQ(of(torch::kComplexDouble), "tensor([1.+0.j], dtype=torch.complex128)");
  EXPECT_EQ(of(torch::kByte), "tensor([1], dtype=torch.uint8)");
  EXPECT_EQ(of(torch::kChar), "tensor([1], dtype=torch.int8)");
  EXPECT_EQ(of(torch::kShort), "tensor([1], dtype=torch.int16)");
  EXPECT_EQ(of(torch::kInt), "tensor([1], dtype=torch.int32)");
}

TEST(FormatTensor, FollowsTheDefaultDtype) {
  struct DefaultDtype {
    explicit DefaultDtype(torch::ScalarType dtype) {
      torch::set_default_dtype(torch::scalarTypeToTypeMeta(dtype));
    }
    ~DefaultDtype() { torch::set_default_dtype(torch::scalarTypeToTypeMeta(torch::kFloat)); }
  };
  const DefaultDtype is_double(torch::kDouble);
  EXPECT_EQ(str(torch::ones({1}, torch::kDouble)), "tensor([1.])");
  EXPECT_EQ(str(torch::ones({1}, torch::kFloat)), "tensor([1.], dtype=torch.float32)");
  EXPECT_EQ(str(torch::ones({1}, torch::kComplexDouble)), "tensor([1.+0.j])");
  EXPECT_EQ(str(torch::ones({1}, torch::kComplexFloat)), "tensor([1.+0.j], dtype=torch.complex64)");
}

TEST(FormatTensor, AlignsIntegersAndBools) {
  EXPECT_EQ(str(tensor({-128, 127}, torch::kChar)), "tensor([-128,  127], dtype=torch.int8)");
  EXPECT_EQ(str(tensor({true, false})), "tensor([ True, False])");
}

TEST(FormatTensor, FormatsRealAndImaginaryPartsSeparately) {
  EXPECT_EQ(str(tensor({Complex(1, 2), Complex(-0.5, -0.25)})),
            "tensor([ 1.0000+2.0000j, -0.5000-0.2500j])");
  EXPECT_EQ(str(tensor({Complex(nan_, -0.0F), Complex(-inf, nan_), Complex(1, 100)})),
            "tensor([nan-0.j, -inf+nanj, 1.+100.j])");
}

TEST(FormatTensor, ResolvesConjugateAndNegativeViews) {
  const torch::Tensor conj = tensor({Complex(1, 2), Complex(3, -4)}).conj();
  ASSERT_TRUE(conj.is_conj());
  EXPECT_EQ(str(conj), "tensor([1.-2.j, 3.+4.j])");
  ASSERT_TRUE(torch::imag(conj).is_neg());
  EXPECT_EQ(str(torch::imag(conj)), "tensor([-2.,  4.])");
}

TEST(FormatTensor, PrintsViewsByTheirElements) {
  const torch::Tensor counting = torch::arange(6).reshape({2, 3});
  EXPECT_EQ(str(counting.t()), "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])");
  EXPECT_EQ(str(counting.flatten().slice(0, 1, 6, 2)), "tensor([1, 3, 5])");
  EXPECT_EQ(str(tensor({std::int64_t{7}}).expand({2, 3})),
            "tensor([[7, 7, 7],\n        [7, 7, 7]])");
}

TEST(FormatTensor, PutsEmptyLinesBetweenMatrices) {
  EXPECT_EQ(str(torch::arange(8).reshape({2, 2, 2})),
            "tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]])");
  EXPECT_EQ(str(torch::arange(2).reshape({1, 1, 1, 2, 1})), "tensor([[[[[0],\n           [1]]]]])");
}

TEST(FormatTensor, ShowsTheSizeOfAnEmptyTensor) {
  EXPECT_EQ(str(torch::empty({0})), "tensor([])");
  EXPECT_EQ(str(torch::empty({0, 3})), "tensor([], size=(0, 3))");
  EXPECT_EQ(str(torch::empty({2, 0}, torch::kLong)), "tensor([], size=(2, 0), dtype=torch.int64)");
  EXPECT_EQ(str(torch::empty({0}, torch::kBool)), "tensor([], dtype=torch.bool)");
}

TEST(FormatTensor, BreaksLinesAtTheLineWidth) {
  EXPECT_EQ(str(torch::arange(30)),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])");
  EXPECT_EQ(str(torch::arange(10), {.linewidth = 20}),
            "tensor([0, 1, 2, 3,\n        4, 5, 6, 7,\n        8, 9])");
}

TEST(FormatTensor, SummarizesAboveTheThreshold) {
  EXPECT_EQ(str(torch::arange(1001)), "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  EXPECT_EQ(str(torch::arange(1400).reshape({7, 200})),
            "tensor([[   0,    1,    2,  ...,  197,  198,  199],\n"
            "        [ 200,  201,  202,  ...,  397,  398,  399],\n"
            "        [ 400,  401,  402,  ...,  597,  598,  599],\n"
            "        ...,\n"
            "        [ 800,  801,  802,  ...,  997,  998,  999],\n"
            "        [1000, 1001, 1002,  ..., 1197, 1198, 1199],\n"
            "        [1200, 1201, 1202,  ..., 1397, 1398, 1399]])");
  EXPECT_EQ(str(torch::arange(10), {.threshold = 5, .edgeitems = 1}), "tensor([0,  ..., 9])");
  EXPECT_EQ(str(torch::arange(1000)).find("..."), std::string::npos);
  EXPECT_EQ(str(torch::arange(2000), {.threshold = inf}).find("..."), std::string::npos);
}

TEST(FormatTensor, AlignsASummaryToTheElementsItShows) {
  torch::Tensor ones = torch::ones({1001});
  ones[500] = 1e20;
  EXPECT_EQ(str(ones), "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
}

TEST(FormatTensor, PutsASuffixThatDoesNotFitOnALineOfItsOwn) {
  const auto doubles = [](std::int64_t n) { return torch::full({n}, 1.5, torch::kDouble); };
  EXPECT_EQ(str(doubles(6)),
            "tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000], dtype=torch.float64)");
  EXPECT_EQ(str(doubles(7)),
            "tensor([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000],\n"
            "       dtype=torch.float64)");
  // Python counts a line two characters too long; the second one would fit.
  EXPECT_EQ(str(torch::ones({17}, torch::kInt)),
            "tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=torch.int32)");
  EXPECT_EQ(str(torch::ones({18}, torch::kInt)),
            "tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],\n"
            "       dtype=torch.int32)");
  EXPECT_EQ(str(torch::full({7}, 3.0, torch::kDouble).requires_grad_().clone()),
            "tensor([3., 3., 3., 3., 3., 3., 3.], dtype=torch.float64,\n"
            "       grad_fn=<CloneBackward0>)");
}

TEST(FormatTensor, ShowsRequiresGradOrGradFn) {
  const torch::Tensor w = tensor({2.0F, -3.4F}).requires_grad_();
  EXPECT_EQ(str(w), "tensor([ 2.0000, -3.4000], requires_grad=True)");
  EXPECT_EQ(str(w - w), "tensor([0., 0.], grad_fn=<SubBackward0>)");
  EXPECT_EQ(str(torch::rsub(w, 1)), "tensor([-1.0000,  4.4000], grad_fn=<RsubBackward1>)");
  EXPECT_EQ(str(w.detach()), "tensor([ 2.0000, -3.4000])");

  const torch::Tensor changed = w.clone();
  changed.view({2}).neg_();
  EXPECT_EQ(str(changed), "tensor([-2.0000,  3.4000], grad_fn=<CopySlices>)");
}

struct Doubled : torch::autograd::Function<Doubled> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) {
    return x * 2;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list& grads) {
    return {grads[0] * 2};
  }
};

TEST(FormatTensor, CutsTheScopeOffTheNameOfAUsersFunction) {
  // As Python, keeps what follows the last "::" of torch::autograd::CppNode<...>, with the bracket.
  EXPECT_EQ(str(Doubled::apply(torch::ones({1}).requires_grad_())),
            "tensor([2.], grad_fn=<Doubled>>)");
}

TEST(FormatTensor, NamesAnInvalidGradFnSince22) {
  const torch::Tensor base = torch::ones({2}).requires_grad_().clone();
  torch::Tensor view;
  {
    const torch::NoGradGuard no_grad;
    view = base.slice(0, 0, 1);
    view.mul_(2);
  }
  if (libtorch_since(2, 2)) {
    EXPECT_EQ(str(view), "tensor([2.], grad_fn=<Invalid>)");
  } else {
    EXPECT_THROW(str(view), c10::Error);  // as in Python
  }
}

TEST(FormatTensor, ShowsEveryDeviceButTheCpu) {
  EXPECT_EQ(str(torch::empty({2, 2}, torch::kMeta)), "tensor(..., device='meta', size=(2, 2))");
  EXPECT_EQ(str(torch::empty({2}, torch::TensorOptions(torch::kMeta).dtype(torch::kLong))),
            "tensor(..., device='meta', size=(2,), dtype=torch.int64)");
}

TEST(FormatTensor, PrintsAnUndefinedTensorAsNone) {
  EXPECT_EQ(str(torch::Tensor()), "None");
  EXPECT_EQ(str(torch::ones({1}).requires_grad_().grad()), "None");
}

TEST(FormatTensor, PrintsListsAsPythonDoes) {
  const std::vector<torch::Tensor> minibatch{torch::arange(2), tensor({1.5F, 2.0F}).view({2, 1})};
  const std::string expected = "[tensor([0, 1]), tensor([[1.5000],\n        [2.0000]])]";
  EXPECT_EQ(fmt::format("{}", minibatch), expected);
  EXPECT_EQ(fmt::format("{}", torch::TensorList(minibatch)), expected);
  EXPECT_EQ(fmt::format("{}", printed(minibatch, {.precision = 1})),
            "[tensor([0, 1]), tensor([[1.5],\n        [2.0]])]");
  EXPECT_EQ(fmt::format("{}", std::vector<torch::Tensor>()), "[]");
}

TEST(FormatTensor, TakesPrecisionAndNotation) {
  const torch::Tensor numbers = tensor({1.5F, 3.1415927F});
  EXPECT_EQ(str(numbers, {.precision = 8}), "tensor([1.50000000, 3.14159274])");
  EXPECT_EQ(str(numbers, {.sci_mode = true}), "tensor([1.5000e+00, 3.1416e+00])");
  EXPECT_EQ(str(tensor({1.0F, 2.0F}), {.sci_mode = true}), "tensor([1.0000e+00, 2.0000e+00])");
  EXPECT_EQ(str(tensor({1e-6F}), {.sci_mode = false}),
            libtorch_since(2, 9) ? "tensor([0.0000])" : "tensor([    0.0000])");
}

TEST(FormatTensor, FormatsTheNumberInATensorOfNoDimensions) {
  const torch::Tensor l = torch::tensor(0.000247459F);
  EXPECT_EQ(fmt::format("loss {:f}", l), "loss 0.000247");
  EXPECT_EQ(fmt::format("{:.4f} {:e} {:g}", l, l, l), "0.0002 2.474590e-04 0.000247459");
  EXPECT_EQ(fmt::format("{:>10.3f}|{:<+8.1%}|{:=^9.1}", l, l, l), "     0.000|+0.0%   |=0.0002==");
  EXPECT_EQ(fmt::format("{:d} {:08,} {:#x}", torch::tensor(-42), torch::tensor(12345),
                        torch::tensor(255)),
            "-42 0,012,345 0xff");
  EXPECT_EQ(fmt::format("{:.2f}", torch::tensor(c10::complex<float>(1, -2))), "1.00-2.00j");
  EXPECT_EQ(fmt::format("{:.2f}", torch::ones({}, torch::requires_grad())), "1.00");
  EXPECT_EQ(fmt::format("{}", l), "tensor(0.0002)");
}

TEST(FormatTensor, RefusesAnyOtherSpec) {
  for (const char* spec : {"{:.}", "{:.e}", "{:.2s}", "{:q}", "{:ef}", "{:.2", "{:99999999999}"}) {
    EXPECT_THROW((void)fmt::format(fmt::runtime(spec), torch::ones({})), fmt::format_error) << spec;
  }
  for (const char* spec : {"{:d}", "{:x}", "{:.99999999999f}"}) {
    EXPECT_THROW((void)fmt::format(fmt::runtime(spec), torch::ones({})), fmt::format_error) << spec;
  }
  EXPECT_THROW((void)fmt::format("{:f}", torch::ones({1})), fmt::format_error);
  EXPECT_THROW((void)fmt::format("{:f}", torch::Tensor()), fmt::format_error);
  EXPECT_THROW((void)fmt::format("{:f}", torch::ones({}, torch::kMeta)), fmt::format_error);
  const std::vector<torch::Tensor> list{torch::ones({})};
  EXPECT_THROW((void)fmt::format(fmt::runtime("{:f}"), list), fmt::format_error);
}

TEST(FormatTensor, PrintsSizesAndDtypes) {
  const torch::Tensor w = torch::zeros({2, 3});
  EXPECT_EQ(fmt::format("{}", w.sizes()), "torch.Size([2, 3])");
  EXPECT_EQ(fmt::format("{}", torch::zeros({}).sizes()), "torch.Size([])");
  EXPECT_EQ(fmt::format("{}", w.scalar_type()), "torch.float32");
  EXPECT_EQ(fmt::format("{}", torch::kByte), "torch.uint8");
  EXPECT_EQ(fmt::format("{}", torch::kBFloat16), "torch.bfloat16");
}

TEST(FormatTensor, PrintsASummaryOfTheWholeTensorResolved) {
  const torch::Tensor zeros = torch::_neg_view(torch::zeros({2000}, torch::kComplexDouble));
  const torch::Tensor resolved = zeros.resolve_neg();
  EXPECT_EQ(str(zeros), str(resolved));
}

TEST(FormatTensor, RefusesNegativeOptions) {
  EXPECT_THROW(str(torch::ones({1}), {.precision = -1}), fmt::format_error);
  EXPECT_THROW(str(torch::ones({1}), {.edgeitems = -1}), fmt::format_error);
}

TEST(FormatTensor, ShowsNoElementsWithoutEdgeitemsSince21) {
  const PrintOptions nothing{.threshold = 1, .edgeitems = 0};
  if (libtorch_since(2, 1)) {
    EXPECT_EQ(str(torch::arange(3), nothing), "tensor([...], size=(3,))");
    EXPECT_EQ(str(torch::eye(2), nothing), "tensor([...], size=(2, 2))");
  } else {
    EXPECT_EQ(str(torch::arange(3), nothing), "tensor([ ..., 0, 1, 2])");
    EXPECT_THROW(str(torch::eye(2), nothing), fmt::format_error);
  }
}

TEST(FormatTensor, RefusesSparseAndQuantizedTensors) {
  EXPECT_THROW(str(torch::eye(2).to_sparse()), fmt::format_error);
  EXPECT_THROW(str(torch::quantize_per_tensor(torch::ones({2}), 0.1, 0, torch::kQUInt8)),
               fmt::format_error);
}

TEST(FormatTensor, WorksWithAllOfFmt) {
  EXPECT_EQ(fmt::to_string(torch::arange(2)), "tensor([0, 1])");
  std::string text = "w: ";
  fmt::format_to(std::back_inserter(text), "{}!", torch::arange(2));
  EXPECT_EQ(text, "w: tensor([0, 1])!");
}

TEST(FormatTensor, ChangesNoStateOfTheTensorOrTheGenerator) {
  const torch::Tensor w = torch::rand({3}).requires_grad_();
  const torch::Tensor generator = at::detail::getDefaultCPUGenerator().get_state();
  const auto version = w._version();
  (void)str(w);
  EXPECT_TRUE(torch::GradMode::is_enabled());
  EXPECT_EQ(w._version(), version);
  EXPECT_FALSE(w.grad_fn());
  EXPECT_TRUE(torch::equal(at::detail::getDefaultCPUGenerator().get_state(), generator));
}

// Live PyTorch.

/// HOW of tests/python/format_tensors.py.
torch::Tensor made(const std::string& how, torch::Tensor t) {
  if (how == "conj") return t.conj();
  if (how == "imag") return torch::imag(t);
  if (how == "imag_of_conj") return torch::imag(t.conj());
  if (how == "leaf") return t.requires_grad_();
  if (how == "clone") return t.requires_grad_().clone();
  if (how == "unsqueeze") return t.requires_grad_().unsqueeze(0);
  if (how == "changed_in_place") {
    torch::Tensor result = t.requires_grad_().clone();
    result.view_as(result).neg_();
    return result;
  }
  if (how != "plain") throw std::invalid_argument(how);
  return t;
}

std::vector<std::int64_t> numbers(const std::string& text) {
  std::vector<std::int64_t> result;
  std::istringstream in(text);
  for (std::string number; std::getline(in, number, 'x') && !number.empty();) {
    result.push_back(std::stoll(number));
  }
  return result;
}

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes)
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
  return text;
}

std::string read(std::istream& in, std::size_t size) {
  std::string bytes(size, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  return bytes;
}

/// Our text of a case of format_tensors.py: its first line and its bytes.
std::string formatted(const std::string& line, const std::string& bytes) {
  std::istringstream header(line);
  int dtype = 0;
  int default_dtype = 0;
  std::int64_t offset = 0;
  std::string shape, strides, how, threshold, sci_mode;
  PrintOptions options;
  header >> dtype >> shape >> strides >> offset >> how >> default_dtype >> options.precision >>
      threshold >> options.edgeitems >> options.linewidth >> sci_mode;
  options.threshold = std::stod(threshold);
  if (sci_mode != "None") options.sci_mode = sci_mode == "True";

  const torch::Tensor storage =
      torch::empty({static_cast<std::int64_t>(bytes.size())}, torch::kByte);
  std::memcpy(storage.data_ptr(), bytes.data(), bytes.size());
  const torch::Tensor t = storage.view(static_cast<torch::ScalarType>(dtype))
                              .as_strided(numbers(shape), numbers(strides), offset);
  torch::set_default_dtype(
      torch::scalarTypeToTypeMeta(static_cast<torch::ScalarType>(default_dtype)));
  std::string text;
  try {
    text = how == "list" ? fmt::format("{}", printed({t, t.unsqueeze(0)}, options))
                         : str(made(how, t), options);
  } catch (const std::exception& error) {
    text = std::string("raised: ") + error.what();
  }
  torch::set_default_dtype(torch::scalarTypeToTypeMeta(torch::kFloat));
  return text;
}

class FormatRandomTensors : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seed, FormatRandomTensors, testing::Values(0, 1));

/// LINREG_TEST_SEED gives the tests other tensors.
TEST_P(FormatRandomTensors, PrintsFiveThousandAsLivePyTorchDoes) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const char* seed = std::getenv("LINREG_TEST_SEED");
  const int first = seed == nullptr ? 0 : 2 * std::stoi(seed);
  const linreg::test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "tensors";
  const std::string version =
      linreg::test::run_python(linreg::test::script("format_tensors.py"),
                               {std::to_string(first + GetParam()), "5000", path.string()});
  if (!version.starts_with(fmt::format("{}.{}.", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR))) {
    GTEST_SKIP() << "LibTorch is " TORCH_VERSION ", PyTorch is " << version;
  }

  std::ifstream file(path, std::ios::binary);
  int compared = 0;
  int failed = 0;
  for (std::string line; failed < 5 && std::getline(file, line); ++compared) {
    std::istringstream header(line);
    std::vector<std::string> words{std::istream_iterator<std::string>(header), {}};
    ASSERT_EQ(words.size(), 13U);
    const std::string bytes = read(file, std::stoul(words[11]));
    const bool raises = words[12] == "-1";
    const std::string expected = raises ? "raised: " : read(file, std::stoul(words[12]));
    std::string text = formatted(line, bytes);
    if (raises) text.resize(std::min(text.size(), expected.size()));
    if (text == expected) continue;
    ++failed;
    ADD_FAILURE() << "case " << compared << ": " << line << "\nbytes: " << hex(bytes)
                  << "\nPython:\n"
                  << expected << "\nfmt:\n"
                  << text;
  }
  EXPECT_EQ(compared, 5000);
}

/// The script prints [dtype, bytes in hexadecimal, spec, text or null where Python raises].
TEST(FormatTensor, FormatsTwentyThousandNumbersAsLivePyTorchDoes) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const char* seed = std::getenv("LINREG_TEST_SEED");
  const auto cases = nlohmann::json::parse(linreg::test::run_python(
      linreg::test::script("format_numbers.py"), {seed == nullptr ? "0" : seed, "20000"}));
  ASSERT_EQ(cases.size(), 20000U);
  int failed = 0;
  for (const auto& expected : cases) {
    const auto bytes = expected[1].get<std::vector<std::uint8_t>>();
    const torch::Tensor storage =
        torch::empty({static_cast<std::int64_t>(bytes.size())}, torch::kByte);
    std::memcpy(storage.data_ptr(), bytes.data(), bytes.size());
    const torch::Tensor number =
        storage.view(static_cast<torch::ScalarType>(expected[0].get<int>())).squeeze();
    nlohmann::json text;
    try {
      text = fmt::format(fmt::runtime("{:" + expected[2].get<std::string>() + "}"), number);
    } catch (const fmt::format_error&) {
    }
    EXPECT_EQ(text, expected[3]) << expected;
    failed += text == expected[3] ? 0 : 1;
    if (failed == 5) return;
  }
}

}  // namespace
