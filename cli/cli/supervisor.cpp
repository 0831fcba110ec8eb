#include "cli/supervisor.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <thread>

#include "cli/files.hpp"

namespace phala::cli {
namespace {

std::atomic<bool> stop_flag{false};
void on_signal(int) { stop_flag = true; }

int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr int most_restarts = 5;
constexpr int64_t steady_after_ms = 30000;   // a program that ran this long starts with a clean slate

Result<> spawn(Program& program) {
  std::vector<char*> argv;
  for (auto& word : program.command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int log = open(program.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return fail(ErrorCode::unavailable, "cannot write " + program.log + ": " + std::strerror(errno), "check the base path and free disk space");
  program.log_start = lseek(log, 0, SEEK_END);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(0);
    setpgid(0, 0);   // Ctrl-C reaches the supervisor alone, which stops the others in order
    dup2(log, 1);
    dup2(log, 2);
    execv(argv[0], argv.data());
    dprintf(2, "cannot start %s: %s\n", argv[0], std::strerror(errno));
    _exit(127);
  }
  close(log);
  if (child < 0) return fail(ErrorCode::internal, "cannot start " + program.name + ": " + std::strerror(errno));
  program.pid = child;
  program.not_before_ms = now_ms();
  return {};
}

constexpr u64 full_disk_bytes = 4u << 20;
constexpr size_t log_time_size = 23;   // "2026-01-31 23:59:59.123"

/// ": its last words", and whether the disk is full: then the log may have no room for them.
std::string why(const Program& program) {
  std::string out = last_words(program.log, program.log_start);
  if (!out.empty()) out.insert(0, ": ");
  if (const auto free = free_bytes(program.log); free && *free < full_disk_bytes) out += "; the disk that holds " + program.log + " is full (" + std::to_string(*free >> 10) + " KiB are free): free some space";
  return out;
}

}  // namespace

Supervisor::Supervisor() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
}
Supervisor::~Supervisor() { stop_all(); }
bool Supervisor::stop_requested() { return stop_flag; }

Result<> Supervisor::start(Program program) {
  TRY(spawn(program));
  programs_.push_back(std::move(program));
  return {};
}

Result<std::vector<std::string>> Supervisor::tend() {
  std::vector<std::string> news;
  for (auto& program : programs_) {
    if (program.pid > 0) {
      int status = 0;
      if (waitpid(program.pid, &status, WNOHANG) != program.pid) continue;
      program.pid = -1;   // the number may be another's from now on
      if (now_ms() - program.not_before_ms > steady_after_ms) program.restarts = 0;
      const std::string how = WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status)) : "ended with code " + std::to_string(WEXITSTATUS(status));
      // SIGKILL comes from outside (an operator, a machine short of memory): no sign that the program cannot run
      if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) ++program.restarts;
      if (program.restarts > most_restarts || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        return fail(ErrorCode::unavailable, program.name + " " + how + why(program) + "; it does not stay up. The end of its log:\n" + tail_of(program.log, 12), "the whole log is " + program.log);
      news.push_back(program.name + " " + how + why(program) + "; starting it again (log: " + program.log + ")");
      program.not_before_ms = now_ms() + std::min<int64_t>(200ll << std::max(program.restarts - 1, 0), 10000);
    } else if (now_ms() >= program.not_before_ms) {
      TRY(spawn(program));
    }
  }
  return news;
}

void Supervisor::stop_all(int grace_ms) {
  for (auto program = programs_.rbegin(); program != programs_.rend(); ++program) {
    if (program->pid <= 0) continue;
    kill(program->pid, SIGTERM);
    const int64_t until = now_ms() + grace_ms;
    while (waitpid(program->pid, nullptr, WNOHANG) != program->pid) {
      if (now_ms() > until) {
        kill(program->pid, SIGKILL);
        waitpid(program->pid, nullptr, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  programs_.clear();
}

std::string tail_of(const std::string& path, size_t lines) {
  std::ifstream file(path);
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    last.push_back("  " + line);
    if (last.size() > lines) last.pop_front();
  }
  std::string out;
  for (const auto& line : last) out += line + "\n";
  return out;
}

std::string last_words(const std::string& log, int64_t start) {
  std::ifstream file(log);
  file.seekg(start);
  std::string last, error;
  for (std::string line; std::getline(file, line);) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    last = line;
    // our programs write "DATE TIME E target: …"; what ends them before their log starts, "program: …"
    const bool logged = line.find(" E ") == log_time_size;
    if (logged || line.starts_with("phala-")) error = logged ? line.substr(log_time_size + 3) : line;
  }
  return error.empty() ? last : error;
}

Result<> check_port_free(u16 port, std::string_view flag) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(ErrorCode::internal, "cannot make a socket");
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  if (free) return {};
  return fail(ErrorCode::unavailable, "port " + std::to_string(port) + " is in use", "stop what uses it (ss -ltnp shows it), or choose another with " + std::string(flag));
}

}  // namespace phala::cli
