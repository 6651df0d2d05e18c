#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <linreg/training/detail/check_hyperparameters.hpp>
#include <linreg/training/training.hpp>

namespace linreg::training {
namespace {

TEST(Hyperparameters, DefaultToTheArticles) {
  const Hyperparameters article;
  EXPECT_EQ(article.lr, 0.03);
  EXPECT_EQ(article.num_epochs, 3);
  EXPECT_EQ(article.batch_size, 10);
  EXPECT_NO_THROW(detail::check_hyperparameters("test", article));
}

TEST(Hyperparameters, AreRefusedOutOfRange) {
  for (const double lr : {0.0, -0.1, std::nan("")}) {
    EXPECT_THROW(detail::check_hyperparameters("test", {.lr = lr}), c10::Error) << lr;
  }
  EXPECT_THROW(detail::check_hyperparameters("test", {.num_epochs = -1}), c10::Error);
  EXPECT_THROW(detail::check_hyperparameters("test", {.batch_size = 0}), c10::Error);
  EXPECT_NO_THROW(detail::check_hyperparameters("test", {.num_epochs = 0}));
}

}  // namespace
}  // namespace linreg::training
