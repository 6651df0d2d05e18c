#include "cli/exit_status.hpp"

#include <c10/util/Exception.h>
#include <signal.h>

#include <csignal>
#include <exception>
#include <functional>
#include <new>
#include <string_view>
#include <system_error>

#include "system/terminal.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

constexpr int failed = 1;
constexpr int unusable = 2;
constexpr int closed_pipe = 128 + SIGPIPE;  // as a shell counts

int report_error(int status, std::string_view what) {
  warn(what);
  return status;
}

}  // namespace

int attempt(const std::function<void()>& work) try {
  work();
  return 0;
} catch (const UsageError& error) {
  return report_error(unusable, error.what());
} catch (const c10::Error& error) {
  return report_error(failed, error.what_without_backtrace());
} catch (const std::system_error& error) {
  if (error.code() == std::errc::broken_pipe) return closed_pipe;
  return report_error(failed, error.what());
} catch (const std::bad_alloc&) {
  return report_error(failed, "there is not enough memory");
} catch (const std::exception& error) {
  return report_error(failed, error.what());
}

}  // namespace linreg::app
