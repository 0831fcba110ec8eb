// phala doctor: what this machine has and lacks, for running a network, building this repository, and testing it.

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "attest/tee.hpp"
#include "cli/command.hpp"
#include "cli/files.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;

/// Each purpose needs what those before it need. `nice`: needed for none of them.
enum class Purpose : u8 { run, build, test, nice };
constexpr std::string_view purposes[] = {"run", "build", "test", "nice to have"};

struct Finding { std::string what; Purpose purpose; bool good; std::string state, remedy; };

using Version = std::vector<u32>;
std::string to_string(const Version& version) {
  std::string out;
  for (const u32 part : version) out += (out.empty() ? "" : ".") + std::to_string(part);
  return out;
}

/// The first number of a text, with its dotted parts: "Debian clang version 19.1.7 (3+b1)" → 19.1.7.
Version version_in(std::string_view text) {
  Version out;
  const size_t first = text.find_first_of("0123456789");
  if (first == text.npos) return out;
  const char *at = text.data() + first, *const end = text.data() + text.size();
  for (u32 part = 0;; ++at) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc{}) return out;
    out.push_back(part);
    at = next;
    if (at == end || *at != '.') return out;
  }
}

struct Tool { const char* program; Purpose purpose; const char* use; Version least; const char* package; };
const Tool tools[] = {
    {"clang++-19", Purpose::build, "C++, contracts too", {19}, "clang-19"},
    {"wasm-ld-19", Purpose::build, "contracts", {19}, "lld-19"},
    {"wasm-opt", Purpose::build, "contracts", {}, "binaryen"},
    {"wasm-objdump", Purpose::build, "contracts", {}, "wabt"},
    {"python3", Purpose::build, "contracts", {3, 11}, "python3"},
    {"cmake", Purpose::build, "all of it", {3, 25}, "cmake"},
    {"ninja", Purpose::build, "all of it", {}, "ninja-build"},
    {"protoc", Purpose::build, "the worker's interface", {}, "protobuf-compiler"},
    {"cargo", Purpose::build, "the WebAssembly compiler, ink! contracts", {1, 95}, "cargo-web"},
    {"node", Purpose::test, "end-to-end tests", {18}, "nodejs"},
    {"npm", Purpose::test, "end-to-end tests", {}, "npm"},
};

std::optional<fs::path> on_path(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const fs::path candidate = fs::path(rest.substr(0, colon)) / program;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == rest.npos ? "" : rest.substr(colon + 1);
  }
  return std::nullopt;
}

/// What a program answers to --version, its first 512 bytes.
std::string answer_of(const fs::path& program) {
  const std::unique_ptr<FILE, int (*)(FILE*)> out(popen(("'" + program.string() + "' --version 2>/dev/null").c_str(), "re"), pclose);
  char text[512];
  return out ? std::string(text, fread(text, 1, sizeof text, out.get())) : std::string{};
}

Finding examine(const Tool& tool) {
  Finding out{std::string(tool.program) + " (" + tool.use + ")", tool.purpose, false, "missing", std::string("apt-get install ") + tool.package + ", or run scripts/setup.sh"};
  const auto found = on_path(tool.program);
  if (!found) return out;
  const Version version = version_in(answer_of(*found));
  out.state = version.empty() ? "does not say its version" : to_string(version);
  out.good = !version.empty() && version >= tool.least;
  if (!version.empty() && !out.good) out.state += ", needs " + to_string(tool.least);
  return out;
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

std::vector<Finding> examine_machine() {
  std::vector<Finding> out;
  const auto at_least = [&](std::string what, Purpose purpose, u64 has, u64 least, const char* unit, const char* remedy) {
    out.push_back({std::move(what), purpose, has >= least, std::to_string(has) + unit + (has >= least ? "" : ", needs " + std::to_string(least)), remedy});
  };
  at_least("processor cores", Purpose::nice, std::thread::hardware_concurrency(), 2, "", "with one core, queries wait for blocks");
  at_least("memory", Purpose::run, memory_mb(), 1500, " MB", "add memory, or swap space");
  at_least("free disk here, to run", Purpose::run, free_bytes(".").value_or(0) >> 20, 1000, " MB", "free some, or use a base path on another disk");
  at_least("free disk here, to build", Purpose::build, free_bytes(".").value_or(0) >> 20, 4000, " MB", "free some, or build on another disk");
  const std::string flags = cpu_flags();
  const bool fast = flags.find(" aes ") != flags.npos && flags.find(" avx2 ") != flags.npos;
  out.push_back({"AES and AVX2", Purpose::nice, fast, fast ? "yes" : "no", "works without, but encryption and hashing are slower"});
  const auto tee = attest::detect_tee();
  out.push_back({"trusted hardware", Purpose::run, tee == attest::TeeKind::none,
                 tee == attest::TeeKind::none ? "none: workers run with software evidence, which only development chains accept" : std::string(attest::to_string(tee)) + ", beside which workers refuse to start",
                 "use a machine without that device; this version has no sealing of its kind"});
  return out;
}

std::vector<Finding> examine_installation() {
  std::vector<Finding> out;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* name : {"phala-node", "phala-worker", "phala-relay", "../contracts/system.wasm", "../contracts/tokenomic.wasm"}) {
    const fs::path path = (here / name).lexically_normal();
    const bool good = fs::exists(path, error);
    out.push_back({path.filename().string(), Purpose::run, good, good ? path.string() : "missing", "build it: make build"});
  }
  return out;
}

Result<int> doctor(const Args& args) {
  const auto named = std::find(std::begin(purposes), std::end(purposes) - 1, args.text("--for"));
  if (named == std::end(purposes) - 1) return fail(ErrorCode::invalid_input, args.where("--for") + " must be run, build or test, not '" + args.text("--for") + "'");
  const auto purpose = static_cast<Purpose>(named - std::begin(purposes));

  std::vector<Finding> findings = examine_installation();
  for (auto& finding : examine_machine()) findings.push_back(std::move(finding));
  for (const auto& tool : tools) findings.push_back(examine(tool));
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  bool ready = true;
  for (const auto& f : findings) {
    const bool needed = f.purpose <= purpose;
    const nlohmann::ordered_json good = args.json() ? nlohmann::ordered_json(f.good) : nlohmann::ordered_json(f.good ? "yes" : needed ? "NO" : "no");
    rows.push_back({{"what", f.what}, {"for", purposes[static_cast<size_t>(f.purpose)]}, {"good", good}, {"state", f.state}, {"remedy", f.good ? "" : f.remedy}});
    ready = ready && (f.good || !needed);
  }
  print(args, rows);
  return ready ? config::exit_ok : config::exit_unavailable;
}

}  // namespace

std::span<const Command> doctor_commands() {
  static const Command commands[] = {
      {"doctor", "Say what this machine has and lacks; exit code 5 when something that is needed is missing", "phala doctor --for build", {},
       {{"--for", "PURPOSE", "run a network, build this repository (and contracts), or test it", "run"}}, doctor}};
  return commands;
}

}  // namespace phala::cli
