// phala contract build, test: the build tool of the SDK, as commands.

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "cli/command.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

/// The tool lies in the source tree, or beside the installed programs.
Result<fs::path> find_tool() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& candidate : {self / "../../../sdk/tool/phala-contract-build", self / "../share/phala/sdk/tool/phala-contract-build"})
    if (fs::exists(candidate, error)) return candidate.lexically_normal();
  return fail(ErrorCode::not_found, "the contract build tool is not beside this program", "run phala from its source tree, or install the SDK");
}

struct Ended { int status = 0; std::string complaint; };
/// Runs it to its end. Its standard output is ours; of its errors the text comes back with `collect`, else they are shown as they come.
Result<Ended> run_tool(std::vector<std::string> words, bool collect) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int pipe_ends[2] = {-1, -1};
  if (collect && pipe2(pipe_ends, O_CLOEXEC) != 0) return fail(ErrorCode::internal, "cannot make a pipe");
  const pid_t child = fork();
  if (child == 0) {
    if (collect) dup2(pipe_ends[1], 2);
    execv(argv[0], argv.data());
    dprintf(2, "cannot start %s: %s\n", argv[0], std::strerror(errno));
    _exit(127);
  }
  Ended out;
  if (collect) {
    close(pipe_ends[1]);
    char part[4096];
    for (ssize_t n; (n = read(pipe_ends[0], part, sizeof part)) > 0;) out.complaint.append(part, static_cast<size_t>(n));
    close(pipe_ends[0]);
  }
  if (child < 0 || waitpid(child, &out.status, 0) < 0) return fail(ErrorCode::internal, "cannot start " + words[0]);
  return out;
}

Result<int> test(const Args& args) {
  std::error_code error;
  const fs::path native = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path();   // the build folder that holds bin/phala
  const Ended ended = TRY(run_tool({TRY(find_tool()).string(), args.text("DIR"), "--test", "--native", native.string()}, false));
  if (WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0) return 0;
  return fail(ErrorCode::refused, "the tests of " + args.text("DIR") + " did not pass", "the lines above say why");
}

Result<int> build(const Args& args) {
  std::vector<std::string> words{TRY(find_tool()).string(), args.text("DIR")};
  if (args.has("--out")) words.insert(words.end(), {"--out", args.text("--out")});
  if (args.json()) words.push_back("--json");
  const Ended ended = TRY(run_tool(std::move(words), args.json()));
  if (WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0) return 0;
  std::string why = ended.complaint;
  while (why.ends_with('\n')) why.pop_back();
  return fail(ErrorCode::refused, "building " + args.text("DIR") + " failed" + (why.empty() ? "" : ": " + why), args.json() ? "" : "the lines above say why");
}

}  // namespace

std::span<const Command> contract_build_commands() {
  static const Command commands[] = {
      {"contract build", "Build a contract project (C++ or ink!) to a .contract file", "phala contract build contracts/examples/counter --out build/counter", {{"DIR", "project folder"}},
       {{"--out", "DIR", "where the .contract file goes (target/contract in the project folder)"}}, build},
      {"contract test", "Run the unit tests of a C++ contract natively, without a network", "phala contract test contracts/examples/notes", {{"DIR", "project folder"}}, {}, test},
  };
  return commands;
}

}  // namespace phala::cli
