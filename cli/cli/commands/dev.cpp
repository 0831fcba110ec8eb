// phala dev: a whole network on this machine: one node, one relay, workers (all gatekeepers), a cluster with its system contract.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/command.hpp"
#include "cli/dev_bootstrap.hpp"
#include "cli/files.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(10);   // after which it says what it waits for

Result<u16> port_option(const Args& args, std::string_view name) {
  const u64 port = TRY(args.number(name));
  if (port == 0 || port > 65535) return fail(ErrorCode::invalid_input, args.where(name) + " must be between 1 and 65535");
  return static_cast<u16>(port);
}

Result<fs::path> usual_base() {
  const char* home = std::getenv("HOME");
  if (!home || !*home) return fail(ErrorCode::invalid_input, "no base path, and HOME is not set", "give --base-path or --tmp");
  return fs::path(home) / ".local/share/phala/dev";
}

/// Keeps other networks out of this base path while it lives.
class FolderLock {
 public:
  static Result<FolderLock> take(const fs::path& base) {
    std::error_code error;
    fs::create_directories(base / "logs", error);
    if (error) return fail(ErrorCode::unavailable, "cannot use " + base.string() + ": " + error.message(), "choose a folder you may write with --base-path");
    FolderLock out(::open((base / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (out.fd_ < 0) return fail(ErrorCode::unavailable, "cannot write in " + base.string(), "choose a folder you may write with --base-path");
    if (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0) return fail(ErrorCode::unavailable, base.string() + " is in use by another phala dev", "stop it, or choose another --base-path");
    return out;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

Result<DevNetwork> network_of(const Args& args, const fs::path& base) {
  DevNetwork net;
  std::error_code error;
  net.base = base;
  net.programs = fs::read_symlink("/proc/self/exe", error).parent_path();
  net.rpc_port = TRY(port_option(args, "--rpc-port"));
  net.worker_port = TRY(port_option(args, "--worker-port"));
  net.workers = TRY(workers_of(base, args.has("--workers") ? std::optional(TRY(args.number("--workers"))) : std::nullopt));
  net.block_ms = TRY(args.number("--block-ms"));
  net.egress = args.list("--allow-egress");
  TRY(check(net));
  return net;
}

void print_for_people(const DevNetwork& net, const ordered_json& summary) {
  const auto text = [](const ordered_json& value) { return value.get<std::string>(); };
  std::printf("\n  node     %s (JSON-RPC, WebSocket and HTTP)\n", net.rpc_url().c_str());
  for (const auto& worker : summary.at("workers")) std::printf("  worker   %s  %s\n", text(worker.at("url")).c_str(), text(worker.at("publicKey")).c_str());
  std::printf("  cluster  %s\n  system   %s\n", text(summary.at("clusterId")).c_str(), text(summary.at("systemContract")).c_str());
  for (const auto& [name, account] : summary.at("accounts").items()) std::printf("  //%-8s%s\n", name.c_str(), text(account.at("address")).c_str());
  std::printf("  files    %s (dev.json, logs)\n\n", net.base.c_str());
}

Result<> announce(const Args& args, const DevNetwork& net, const Bootstrap& boot, Clock::duration took) {
  ordered_json summary = TRY(boot.summary());
  TRY(replace_file(net.base / "dev.json", as_bytes(summary.dump(2) + "\n")));
  const double seconds = std::chrono::duration<double>(took).count();
  if (args.json()) {
    summary["basePath"] = net.base.string();
    summary["readyAfterSeconds"] = seconds;
    std::printf("%s\n", one_line(summary).c_str());   // one line: whoever reads this does not wait for the end
  } else {
    print_for_people(net, summary);
    std::printf("ready after %.1f s; Ctrl-C stops everything\n", seconds);
  }
  std::fflush(stdout);
  return {};
}

/// Until it stands; true unless somebody wants it to stop first.
Result<bool> set_up(Supervisor& supervisor, Bootstrap& boot) {
  const auto started = Clock::now();
  std::string said;
  while (!Supervisor::stop_requested()) {
    for (const auto& line : TRY(supervisor.tend())) std::fprintf(stderr, "%s\n", line.c_str());
    const auto done = boot.step();
    if (done && *done) return true;
    std::string waiting = boot.waiting_for();
    if (!done && done.error().code != ErrorCode::unavailable) waiting += " (" + done.error().text() + ")";
    if (Clock::now() - started > patience && waiting != said) {
      said = waiting;
      std::fprintf(stderr, "waiting for %s\n", said.c_str());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

Result<int> dev(const Args& args) {
  if (args.has("--tmp") && args.has("--base-path")) return fail(ErrorCode::invalid_input, args.where("--tmp") + " and " + args.where("--base-path") + " exclude each other", "give one of them");
  // everything that can be refused is, before anything is made
  const fs::path wanted = args.has("--base-path") ? fs::absolute(args.text("--base-path")) : args.has("--tmp") ? fs::path{} : TRY(usual_base());
  DevNetwork net = TRY(network_of(args, wanted));
  TRY(check_ports_free(net));
  std::optional<TemporaryFolder> temporary;
  if (args.has("--tmp")) {
    temporary = TRY(TemporaryFolder::make("phala-dev"));
    net.base = temporary->path();
  }
  const FolderLock lock = TRY(FolderLock::take(net.base));
  const runtime::ChainSpec spec = TRY(prepare_chain(net));

  Supervisor supervisor;
  std::fprintf(args.json() ? stderr : stdout, "Starting a network in %s\n", net.base.c_str());
  std::fflush(stdout);
  const auto started = Clock::now();
  for (auto& program : programs_of(net)) TRY(supervisor.start(std::move(program)));
  Bootstrap boot = TRY(Bootstrap::of(net, spec));
  if (TRY(set_up(supervisor, boot))) TRY(announce(args, net, boot, Clock::now() - started));
  while (!Supervisor::stop_requested()) {
    for (const auto& line : TRY(supervisor.tend())) std::fprintf(stderr, "%s\n", line.c_str());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::fprintf(args.json() ? stderr : stdout, "stopping\n");
  std::fflush(stdout);
  supervisor.stop_all();
  return config::exit_ok;
}

}  // namespace

std::span<const Command> dev_commands() {
  static const Command commands[] = {
      {"dev", "Run a whole network on this machine until Ctrl-C; the same base path resumes", "phala dev --tmp --block-ms 1000", {},
       {{"--base-path", "DIR", "where it lives (~/.local/share/phala/dev)"}, {"--tmp", "", "live in a temporary folder, removed at the end"}, {"--rpc-port", "PORT", "the node's JSON-RPC", "9944"},
        {"--worker-port", "PORT", "the first worker; the others follow, then their private ports", "8000"}, {"--workers", "N", "how many workers (2; later as many as the base path was made with)"},
        {"--block-ms", "MS", "time between blocks", "3000"},
        {"--allow-egress", "CIDR", "addresses that contracts may reach although they are local, e.g. 127.0.0.0/8; repeatable", {}, true}}, dev},
  };
  return commands;
}

}  // namespace phala::cli
