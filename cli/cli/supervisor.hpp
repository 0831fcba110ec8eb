#pragma once
// Why: `phala dev` runs the three real programs, not a copy of them in one process, so that what works here works in production.
// The supervisor starts them, keeps their logs, restarts one that dies, and stops all of them in order.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace phala::cli {

struct Program {
  std::string name;                  ///< "node", "worker-1", "relay": also the name of its log
  std::vector<std::string> command;  ///< path and arguments
  std::string log;                   ///< file that takes its output
  pid_t pid = -1;
  int restarts = 0;
  int64_t not_before_ms = 0;         ///< when a restart is due
  int64_t log_start = 0;             ///< size of the log when it was last started
};

class Supervisor {
 public:
  /// Installs handlers for SIGINT and SIGTERM that make `stop_requested` true.
  Supervisor();
  /// Stops whatever still runs.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  static bool stop_requested();

  /// Starts it now; it is kept running until `stop_all`. It dies with this process.
  Result<> start(Program program);
  /// Looks after the programs once: restarts what died (after 0.2 s, 0.4 s … at most 10 s). Returns lines worth showing.
  /// Error: a program died five times within its first seconds; the text holds the end of its log.
  Result<std::vector<std::string>> tend();
  /// The last started first, each given `grace_ms` after SIGTERM, then SIGKILL.
  void stop_all(int grace_ms = 10000);
  const std::vector<Program>& programs() const { return programs_; }

 private:
  std::vector<Program> programs_;
};

/// The last `lines` lines of a file; empty when it cannot be read.
std::string tail_of(const std::string& path, size_t lines);
/// Why a program ended, in its own words: the last line of its log from `start` on that reports an error, else the last line at all; empty when it
/// wrote nothing.
std::string last_words(const std::string& log, int64_t start);
/// Error when something already listens on this loopback port, naming the port and what to do.
Result<> check_port_free(u16 port, std::string_view flag);

}  // namespace phala::cli
