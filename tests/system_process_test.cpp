#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>  // kill
#include <stdlib.h>  // setenv
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "python_scripts.hpp"
#include "running.hpp"
#include "system/process.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;

TEST(RunProcess, ReturnsTheOutputAndTheExitStatus) {
  const ProcessResult result = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"}, 60s);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_status, 7);
  EXPECT_FALSE(result.timed_out);
}

TEST(RunProcess, PassesArgumentsWithoutAShell) {
  EXPECT_EQ(run_process({"printf", "%s|", "$HOME", "a b", "*"}, 60s).out, "$HOME|a b|*|");
}

TEST(RunProcess, PassesTheEnvironmentWithoutTheVariablesLeftOut) {
  setenv("LINREG_TEST_ONE", "1", 1);
  setenv("LINREG_TEST_TWO", "2", 1);
  const std::string script = "echo \"$LINREG_TEST_ONE,$LINREG_TEST_TWO\"";
  EXPECT_EQ(run_process({"sh", "-c", script}, 60s).out, "1,2\n");
  EXPECT_EQ(run_process({"sh", "-c", script}, 60s, "", {"LINREG_TEST_TWO"}).out, "1,\n");
  EXPECT_EQ(run_process({"sh", "-c", script}, 60s, "", {"LINREG_TEST_", "LINREG_TEST_ONE"}).out,
            ",2\n");
}

TEST(RunProcess, HasEmptyStdinByDefault) { EXPECT_EQ(run_process({"cat"}, 60s).out, ""); }

TEST(RunProcess, WritesItsInputToStdin) {
  std::string input(3'000'000, 'x');
  input += "\nend\n";
  EXPECT_EQ(run_process({"cat"}, 60s, input).out, input) << "more than a pipe holds, both ways";
  EXPECT_EQ(run_process({"tail", "-1"}, 60s, input).out, "end\n");
}

TEST(RunProcess, WorksWhenTheProgramDoesNotReadStdin) {
  const ProcessResult result = run_process({"echo", "done"}, 60s, std::string(3'000'000, 'x'));
  EXPECT_EQ(result.out, "done\n");
  EXPECT_EQ(result.exit_status, 0);
}

TEST(LastLine, SkipsBlankLinesAndTrimsSpaces) {
  EXPECT_EQ(last_line("first\n   last  \n\n"), "last");
  EXPECT_EQ(last_line("only"), "only");
  EXPECT_EQ(last_line(" \n\n"), "");
  EXPECT_EQ(last_line(""), "");
}

TEST(RunProcess, ReportsASignalAsAShellDoes) {
  const ProcessResult result = run_process({"sh", "-c", "kill -TERM $$"}, 60s);
  EXPECT_EQ(result.exit_status, 128 + 15);
  EXPECT_EQ(result.signal, 15);
}

TEST(DescribeEnd, DistinguishesASignalFromAStatus) {
  EXPECT_EQ(describe_end(run_process({"sh", "-c", "exit 143"}, 60s)), "exit status 143");
  EXPECT_EQ(describe_end(run_process({"sh", "-c", "kill -TERM $$"}, 60s)), "killed by signal 15");
}

TEST(RunProcess, KillsAProgramThatRunsTooLong) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = run_process({"sleep", "100"}, 1s);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_status, 128 + 9);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 50s);
}

TEST(RunProcess, KillsAProgramThatClosesItsOutputAndRunsOn) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = run_process({"sh", "-c", "exec >&- 2>&-; exec sleep 100"}, 1s);
  EXPECT_TRUE(result.timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 50s);
}

TEST(RunProcess, KeepsAllOfALongStdoutAndTheEndOfALongStderr) {
  const ProcessResult result = run_process(
      {"sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end >&2"}, 60s);
  EXPECT_EQ(result.out.size(), 3'000'000U);
  EXPECT_LE(result.err.size(), 64U * 1024);
  EXPECT_TRUE(result.err.ends_with("end\n"));
}

TEST(RunProcess, KillsTheProgramsChildrenToo) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "grandchild";
  run_process({"sh", "-c", fmt::format("sleep 1000 & echo $! > '{}'; wait", file)}, 1s);
  const pid_t grandchild = test::process_in(file);
  EXPECT_GT(grandchild, 0);
  EXPECT_FALSE(test::is_running(grandchild));
}

TEST(RunProcess, EndsWithTheProgramEvenWhenAChildHoldsItsOutputOpen) {
  const test::TemporaryDirectory folder;
  for (const bool escapes : {false, true}) {
    const std::string file = folder.path() / (escapes ? "escaped" : "grandchild");
    const auto start = std::chrono::steady_clock::now();
    const ProcessResult result =
        run_process({"sh", "-c",
                     fmt::format("{} sleep 1000 & echo $! > '{}'; echo out; echo err >&2; exit 3",
                                 escapes ? "setsid" : "", file)},
                    60s);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    EXPECT_EQ(result.out, "out\n");
    EXPECT_EQ(result.err, "err\n");
    EXPECT_EQ(result.exit_status, 3);
    EXPECT_FALSE(result.timed_out);
    const pid_t grandchild = test::process_in(file);
    ASSERT_GT(grandchild, 0);
    if (escapes) kill(grandchild, SIGKILL);
    EXPECT_FALSE(test::is_running(grandchild));
  }
}

TEST(RunProcess, LeavesNoChildOfTheProgramRunning) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "grandchild";
  const ProcessResult result =
      run_process({"sh", "-c", fmt::format("sleep 1000 >&- 2>&- & echo $! > '{}'", file)}, 60s);
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_FALSE(test::is_running(test::process_in(file)));
}

TEST(RunProcess, LeavesNoZombie) {
  for (const char* script : {"exit 0", "kill -KILL $$", "sleep 1000", "yes", "yes >&2"}) {
    run_process({"sh", "-c", script}, 1s);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << script;
    EXPECT_EQ(errno, ECHILD) << script;
  }
}

TEST(RunProcess, KnowsTheExitStatusEvenWhereSigchldWasIgnored) {
  std::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(run_process({"sh", "-c", "exit 7"}, 60s).exit_status, 7);
  std::signal(SIGCHLD, SIG_DFL);
}

TEST(RunProcess, KillsAProgramThatPrintsEndlessly) {
  for (const char* script : {"exec yes", "exec yes >&2"}) {
    SCOPED_TRACE(script);
    const ProcessResult result = run_process({"sh", "-c", script}, 60s);
    EXPECT_TRUE(result.flooded);
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.exit_status, 128 + 9);
  }
}

TEST(RunProcess, ThrowsForAMissingProgram) {
  EXPECT_THROW(run_process({"/nonexistent/program"}, 60s), std::system_error);
}

TEST(RunProcess, ReportsALackOfFileDescriptors) {
  if (test::is_sanitized) GTEST_SKIP() << "can't run with the address sanitizer";
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(STDIN_FILENO);
  close(next);
  const auto first = static_cast<rlim_t>(next);
  for (const rlim_t most : {first, first + 1, first + 3}) {  // none for stdin, stdout, stderr
    const rlimit limit{most, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    std::error_code error;
    try {
      run_process({"true"}, 60s);
    } catch (const std::system_error& refused) {
      error = refused.code();
    }
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(error, std::errc::too_many_files_open) << most;
  }
}

TEST(FindProgram, IsWhatAShellWouldRun) {
  for (const std::string name : {"sh", "env", "/bin/sh", "/nowhere/sh", "no-such-program"}) {
    const std::string path = find_program(name).value_or("");
    EXPECT_EQ(run_process({"sh", "-c", "command -v " + name}, 60s).out,
              path.empty() ? "" : path + "\n");
  }
  EXPECT_EQ(find_program(""), std::nullopt);
  EXPECT_EQ(find_program("/etc/passwd"), std::nullopt);
  EXPECT_EQ(find_program("/"), std::nullopt);
}

}  // namespace
}  // namespace linreg::app
