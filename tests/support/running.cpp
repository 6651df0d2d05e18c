#include "running.hpp"

#include <fmt/format.h>
#include <signal.h>  // kill
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

namespace linreg::test {
namespace {

using namespace std::chrono_literals;

/// `words`, quoted for a shell.
std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += " '";
    for (const char c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

bool becomes_true(const auto& condition, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

}  // namespace

Running::Running(const std::vector<std::string>& words) {
  // In a background job SIGINT is ignored, which the program would inherit.
  const auto before = std::signal(SIGINT, SIG_DFL);
  pipe_ = popen(("echo $$; exec 2>&1" + quoted(words)).c_str(), "r");
  std::signal(SIGINT, before);
  if (pipe_ == nullptr) throw std::runtime_error("popen fails");
  process_ = std::stoi(line());
}

Running::~Running() {
  if (pipe_ == nullptr) return;
  kill(process_, SIGKILL);
  pclose(pipe_);
}

std::string Running::line() {
  std::string line;
  std::array<char, 4096> buffer{};
  while (!line.ends_with('\n') && std::fgets(buffer.data(), buffer.size(), pipe_) != nullptr) {
    line += buffer.data();
  }
  return line;
}

void Running::interrupt(int signal) const { kill(process_, signal); }

void Running::wait_until_it_handles(int signal) const {
  const bool handled = becomes_true(
      [&] {
        std::ifstream status(fmt::format("/proc/{}/status", process_));
        for (std::string word; status >> word;) {
          std::uint64_t signals = 0;
          if (word == "SigCgt:")
            return (status >> std::hex >> signals) && signals >> (signal - 1) & 1;
        }
        return false;
      },
      60s);
  if (!handled) throw std::runtime_error("it handles no such signal");
}

int Running::exit_status() {
  const int status = pclose(std::exchange(pipe_, nullptr));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t process_in(const std::filesystem::path& file) {
  pid_t process = 0;
  becomes_true([&] { return (std::ifstream(file) >> process).good(); }, 60s);
  return process;
}

bool is_running(pid_t process) {
  return !becomes_true(
      [process] {
        std::ifstream stat(fmt::format("/proc/{}/stat", process));
        const std::string text(std::istreambuf_iterator<char>(stat), {});
        const std::size_t name_end = text.rfind(") ");  // then the state; Z is a zombie
        return name_end == std::string::npos || text[name_end + 2] == 'Z';
      },
      5s);
}

}  // namespace linreg::test
