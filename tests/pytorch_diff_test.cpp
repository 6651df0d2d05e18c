#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "python_scripts.hpp"

/// What `linreg diff` measures is compared with Python in commands_diff_test.cpp.
namespace linreg::pytorch {
namespace {

StateDict with(const std::string& name, const torch::Tensor& tensor) {
  StateDict state;
  state.insert(name, tensor);
  return state;
}

TEST(Diff, IsTheMessageOfATest) {
  const Diff difference =
      diff(with("w", torch::tensor({1.0, 2.0})), with("w", torch::tensor({1.0, 3.0})));
  EXPECT_FALSE(difference.equal());
  std::ostringstream message;
  message << difference;
  EXPECT_EQ(message.str(), to_string(difference));
  EXPECT_NE(message.str().find("[1]: 2.0 in left, 3.0 in right"), std::string::npos)
      << message.str();
}

TEST(Diff, TakesNanForEqualToNanOfAnyPayload) {
  torch::Tensor other = torch::tensor({NAN});
  const std::uint32_t bits = 0xffc01234;
  std::memcpy(other.data_ptr(), &bits, sizeof(bits));
  EXPECT_TRUE(diff("w", torch::tensor({NAN}), other).equal());
  EXPECT_EQ(diff("w", torch::tensor({NAN}), torch::tensor({1.0F})).distance, TensorDiff::no_number);
}

TEST(Diff, NeverTakesNanBesideANumberForTolerated) {
  const TensorDiff difference = diff("w", torch::tensor({NAN}), torch::tensor({1.0F}),
                                     {.ulp = UINT64_MAX, .rtol = 1, .atol = 1e30});
  EXPECT_EQ(difference.differing, 1);
}

TEST(Diff, ComparesViewsByTheirElements) {
  const torch::Tensor matrix = torch::arange(6.0).reshape({2, 3});
  EXPECT_TRUE(diff("w", matrix.t(), matrix.t().contiguous()).equal());
  EXPECT_TRUE(
      diff("w", matrix.select(1, 1), torch::tensor({1.0F, 4.0F}).to(torch::kFloat)).equal());
}

TEST(Diff, FindsADifferenceFarFromTheStart) {
  const torch::Tensor left = torch::zeros({3, 1 << 20});
  const torch::Tensor right = left.clone();
  right[2][77] = 1e-45F;
  const TensorDiff difference = diff("w", left, right);
  EXPECT_EQ(difference.differing, 1);
  EXPECT_EQ(difference.distance, 1U);
  EXPECT_EQ(difference.greatest.value().index, (std::vector<std::int64_t>{2, 77}));
}

TEST(Diff, RefusesTensorsWithoutElementsInMemory) {
  const torch::Tensor w = torch::ones({2});
  EXPECT_THROW(diff("w", torch::Tensor(), w), c10::Error);
  EXPECT_THROW(diff("w", w, torch::ones({2}, torch::kMeta)), c10::Error);
  EXPECT_THROW(diff("w", w.to_sparse(), w.to_sparse()), c10::Error);
}

TEST(TensorFile, ReadsEachTensorForItself) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "net.pt";
  const torch::Tensor matrix = torch::arange(12.0).reshape({3, 4});
  StateDict state;
  state.insert("all", matrix);
  state.insert("column", matrix.select(1, 2));
  state.insert("none", matrix.narrow(0, 1, 0));
  save_state_dict_file(path, state);
  const TensorFile file(path);
  ASSERT_EQ(file.entries().size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const torch::Tensor& saved = state[i].value();
    EXPECT_EQ(file.entries()[i].name, state[i].key());
    EXPECT_EQ(file.entries()[i].sizes, saved.sizes().vec());
    EXPECT_EQ(file.entries()[i].dtype, saved.scalar_type());
    EXPECT_TRUE(torch::equal(file.read(i), saved));
  }
  // The last of the column's elements is the storage's second but last.
  EXPECT_EQ(file.read(1).storage().nbytes(), 9 * sizeof(float));
  file.read(0).zero_();
  EXPECT_TRUE(torch::equal(file.read(0), matrix));
}

TEST(TensorFile, NamesTheFileInItsErrors) {
  try {
    const TensorFile file("/no/such/file.pt");
    FAIL() << "no error";
  } catch (const c10::Error& error) {
    EXPECT_EQ(std::string(error.what_without_backtrace()),
              "/no/such/file.pt: can't be opened: No such file or directory");
  }
}

}  // namespace
}  // namespace linreg::pytorch
