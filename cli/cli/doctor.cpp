// phala doctor: what this machine has and lacks, for users, workers and developers.

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

struct Finding { std::string what, state, remedy; bool needed; };

bool on_path(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    if (::access((rest.substr(0, colon) + "/" + std::string(program)).c_str(), X_OK) == 0) return true;
    rest = colon == rest.npos ? "" : rest.substr(colon + 1);
  }
  return false;
}

std::string cpu_flags() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("flags")) return line + " ";
  return {};
}

u64 memory_mb() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("MemTotal:")) return std::strtoull(line.c_str() + 9, nullptr, 10) / 1024;
  return 0;
}

Result<int> doctor(const Args& args) {
  std::vector<Finding> findings;
  const auto add = [&](std::string what, bool good, std::string yes, std::string no, std::string remedy, bool needed) {
    findings.push_back({std::move(what), good ? std::move(yes) : std::move(no), good ? "" : std::move(remedy), needed && !good});
  };
  const unsigned cores = std::thread::hardware_concurrency();
  add("processor cores", cores >= 2, std::to_string(cores), std::to_string(cores), "two cores are the least for a worker that also answers queries", false);
  const u64 memory = memory_mb();
  add("memory", memory >= 4000, std::to_string(memory) + " MB", std::to_string(memory) + " MB", "4 GB are the least for a node with a worker", false);
  struct statvfs disk {};
  const u64 free_mb = statvfs(".", &disk) == 0 ? static_cast<u64>(disk.f_bavail) * disk.f_frsize >> 20 : 0;
  add("free disk here", free_mb >= 4000, std::to_string(free_mb) + " MB", std::to_string(free_mb) + " MB", "building needs about 4 GB, a long-lived node more", false);
  const std::string flags = cpu_flags();
  add("AES and AVX2", flags.find(" aes ") != flags.npos && flags.find(" avx2 ") != flags.npos, "yes", "no", "works without, but encryption and hashing are slower", false);
  const bool sgx = fs::exists("/dev/sgx_enclave") && fs::exists("/dev/sgx_provision");
  const bool tdx = fs::exists("/dev/tdx_guest");
  const bool gramine = fs::exists("/dev/attestation/attestation_type");
  add("Intel SGX", sgx || gramine, gramine ? "inside an enclave" : "devices present", "none", "enable SGX in the firmware; until then workers run with software evidence, which only development chains accept", false);
  add("Intel TDX", tdx, "trust domain", "none", "", false);
  for (const auto& [program, purpose, package] : {std::tuple{"clang++-19", "build", "clang-19"}, {"cmake", "build", "cmake"}, {"ninja", "build", "ninja-build"}, {"wasm-ld-19", "build C++ contracts", "lld-19"},
                                                  {"wasm-opt", "build ink! contracts", "binaryen"}, {"cargo", "build ink! contracts", "cargo-web"}, {"node", "run the end-to-end tests", "nodejs"}})
    add(std::string(program) + " (" + purpose + ")", on_path(program), "found", "missing", std::string("apt-get install ") + package + ", or run scripts/setup.sh", false);

  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  bool ready = true;
  for (const auto& f : findings) {
    rows.push_back({{"what", f.what}, {"state", f.state}, {"what to do", f.remedy}});
    ready = ready && !f.needed;
  }
  print(args, rows);
  return ready ? 0 : 5;
}

}  // namespace

std::span<const Command> doctor_commands() {
  static const Command commands[] = {{"doctor", "Say what this machine has and lacks", "phala doctor", {}, {}, doctor}};
  return commands;
}

}  // namespace phala::cli
