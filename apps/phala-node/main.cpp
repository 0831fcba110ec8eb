// phala-node: parses its options, builds its objects top to bottom, runs until told to stop, and takes everything down in reverse.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.hpp"
#include "crypto/account.hpp"
#include "log/log.hpp"
#include "rpc/server.hpp"
#include "runtime/chain_spec.hpp"

namespace {
using namespace phala;
namespace fs = std::filesystem;

struct Settings {
  std::string chain = "dev", base_path, name = "phala-node", state_pruning = "256", message_history = "all", rpc_methods = "auto";
  std::optional<std::string> sealer_key_file, prometheus_address;
  std::vector<std::string> rpc_cors{"all"}, log_levels;
  bool dev = false, tmp = false, validator = false, rpc_external = false, unsafe_rpc_external = false, log_json = false, rpc_help = false, build_spec = false;
  std::optional<u16> prometheus_port;
  u16 rpc_port = 9944;
  u32 block_ms = 0, rpc_max_connections = 100, rpc_max_request_mib = 15, rpc_max_response_mib = 15, rpc_max_subscriptions = 1024, rpc_max_batch = 100, rpc_deadline_ms = 15'000, cpu_threads = 0;
  u32 pool_limit = 8192, pool_kib = 20 * 1024, pool_per_sender = 2048, db_cache_mib = 128;
};

constexpr const char* examples =
    "  phala-node --dev --tmp                                  a development chain that is gone when it stops\n"
    "  phala-node --chain chain.json -d /var/lib/phala --sealer-key-file sealer.key\n"
    "  PHALA_NODE_RPC_PORT=9945 phala-node --dev -l rpc=debug  settings from the environment\n";

/// Seconds a request or block in progress gets when the program stops are in the parts; this one is how often the status line is written.
constexpr int status_every_ms = 5000;

u64 wall_clock_ms() { return static_cast<u64>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()); }

Result<std::string> read_text(const std::string& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot read " + path, "check the path and its permissions");
  std::string text;
  std::array<char, 65536> part;
  while (in.read(part.data(), part.size()) || in.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(in.gcount()));
    if (text.size() > limit) return fail(ErrorCode::invalid_input, path + " is larger than " + std::to_string(limit) + " bytes");
  }
  return text;
}

/// The sealing key: a file with 32 bytes in hex; on the chain "dev" without one, the well-known development key of Alice.
Result<crypto::Seed> sealer_seed(const Settings& s) {
  if (!s.sealer_key_file) {
    if (s.chain != "dev") return fail(ErrorCode::invalid_input, "no sealer key", "give --sealer-key-file; the chain spec says which key may seal");
    const auto alice = TRY(crypto::KeyPair::from_uri("//Alice", crypto::Scheme::ed25519));
    return alice.seed()->clone();
  }
  std::string text = TRY(read_text(*s.sealer_key_file, 1024));
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  Result<crypto::Seed> seed = fail(ErrorCode::invalid_input, "the sealer key file " + *s.sealer_key_file + " does not hold 32 bytes in hex");
  if (auto bytes = from_hex(text); bytes && bytes->size() == 32) {
    seed = crypto::Seed(*bytes);
    wipe(bytes->data(), bytes->size());
  }
  wipe(text.data(), text.size());
  return seed;
}

Result<runtime::ChainSpec> chain_spec(const Settings& s, const PublicKey& sealer) {
  if (s.chain == "dev") return runtime::development_spec(sealer, {}, {});
  return runtime::chain_spec_from_json(TRY(read_text(s.chain, 64u << 20))).context("chain spec " + s.chain);
}

/// "archive" or "all": nothing; else a number of blocks.
Result<std::optional<BlockNumber>> blocks_kept(const std::string& option, const std::string& text) {
  if (text == "archive" || text == "archive-canonical" || text == "all") return std::optional<BlockNumber>{};
  const auto number = parse_u128(text);
  if (!number || text.empty() || *number == 0 || *number > UINT32_MAX) return fail(ErrorCode::invalid_input, option + " " + text + " is neither a number of blocks nor 'archive' or 'all'");
  return std::optional(static_cast<BlockNumber>(*number));
}

/// A folder of its own that goes away with the program.
struct TemporaryFolder {
  fs::path path;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
};

Result<fs::path> base_folder(const Settings& s, const std::string& chain_id, TemporaryFolder& temporary) {
  if (s.tmp) {
    std::string pattern = (fs::temp_directory_path() / "phala-node-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return fail(ErrorCode::unavailable, "cannot make a temporary folder in " + fs::temp_directory_path().string());
    temporary.path = pattern;
    return temporary.path / "chains" / chain_id;
  }
  fs::path base = s.base_path;
  if (base.empty()) {
    const char* home = std::getenv("HOME");
    if (!home) return fail(ErrorCode::invalid_input, "no base path, and HOME is not set", "give --base-path or --tmp");
    base = fs::path(home) / ".local" / "share" / "phala-node";
  }
  return base / "chains" / chain_id;
}

std::string short_hash(const Hash& hash) { return to_hex0x(hash).substr(0, 6) + "…" + to_hex(hash).substr(60); }

/// Gauges that follow the head.
void report_heights(node::Chain& chain, Metrics& metrics) {
  auto& best = metrics.gauge("substrate_block_height", "Block height info of the chain", {{"status", "best"}});
  auto& finalized = metrics.gauge("substrate_block_height", "Block height info of the chain", {{"status", "finalized"}});
  auto& target = metrics.gauge("substrate_block_height", "Block height info of the chain", {{"status", "sync_target"}});
  const auto set = [&best, &finalized, &target](BlockNumber number) {
    for (auto* gauge : {&best, &finalized, &target}) gauge->set(number);
  };
  set(chain.view()->number());
  chain.on_import([set](const node::Imported& block) { set(block.view->number()); });
}

void report_process(const Settings& s, Metrics& metrics) {
  metrics.gauge("substrate_build_info", "A metric with a constant '1' value labeled by name, version", {{"name", s.name}, {"version", std::string(config::version()) + "-" + std::string(config::commit())}}).set(1);
  metrics.gauge("substrate_process_start_time_seconds", "Number of seconds between the UNIX epoch and the moment the process started").set(static_cast<double>(wall_clock_ms() / 1000));
  metrics.gauge("substrate_node_roles", "The roles the node is running as").set(4);
  metrics.gauge("substrate_number_leaves", "Number of known chain leaves (aka forks)").set(1);
  metrics.gauge("substrate_sub_libp2p_peers_count", "Number of connected peers").set(0);
  metrics.gauge("substrate_sub_libp2p_is_major_syncing", "Whether the node is performing a major sync or not").set(0);
  metrics.gauge("substrate_database_cache_bytes", "Database cache size in bytes").set(static_cast<double>(u64{s.db_cache_mib} << 20));
}

Result<> run(const Settings& s, int signals) {
  auto seed = TRY(sealer_seed(s));
  auto sealer = crypto::Ed25519Pair::from_seed(seed);
  const auto spec = TRY(chain_spec(s, sealer.public_key));
  if (s.build_spec) {
    std::cout << runtime::to_json(spec) << '\n';
    return {};
  }
  if (spec.sealer != sealer.public_key)
    return fail(ErrorCode::refused, "the sealer key is " + to_hex0x(sealer.public_key) + ", but chain '" + spec.id + "' is sealed by " + to_hex0x(spec.sealer), "give the right --sealer-key-file");
  store::Options store_options;
  store_options.keep_states = TRY(blocks_kept("--state-pruning", s.state_pruning));
  store_options.message_history = TRY(blocks_kept("--message-history", s.message_history));
  store_options.cache_bytes = size_t{s.db_cache_mib} << 20;
  TemporaryFolder temporary;
  const auto folder = TRY(base_folder(s, spec.id, temporary));
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::unavailable, "cannot make " + folder.string() + ": " + error.message(), "check permissions and free space, or give another --base-path");

  Metrics metrics({{"chain", spec.id}});
  report_process(s, metrics);
  CpuPool cpu(s.cpu_threads ? s.cpu_threads : std::max(2u, std::thread::hardware_concurrency()), 1024);
  const auto chain = TRY(node::Chain::open(folder.string(), store_options, spec));
  report_heights(*chain, metrics);
  node::PoolLimits pool;
  pool.ready_count = s.pool_limit;
  pool.ready_bytes = size_t{s.pool_kib} << 10;
  pool.per_sender = s.pool_per_sender;
  node::Admission admission(*chain, cpu, pool, wall_clock_ms, metrics);
  rpc::Hub hub(*chain, {.per_connection = s.rpc_max_subscriptions}, metrics);
  admission.on_event([&hub](const node::PoolEvent& event) { hub.transaction_event(event); });
  std::atomic<bool> broken = false;
  node::Producer producer(*chain, admission, std::move(sealer), {s.block_ms ? s.block_ms : spec.block_ms, node::BuildMode::interval}, wall_clock_ms, metrics, [&broken](const Error&) {
    broken = true;
    ::kill(::getpid(), SIGTERM);
  });
  const rpc::Node node{{"phala-node", std::string(config::version()) + "-" + std::string(config::commit()), spec}, *chain, admission, producer, hub, cpu};

  rpc::ServerOptions server;
  const bool external = s.rpc_external || s.unsafe_rpc_external;
  server.address = external ? "0.0.0.0" : "127.0.0.1";
  server.port = s.rpc_port;
  server.cors_origins = s.rpc_cors == std::vector<std::string>{"all"} ? std::vector<std::string>{"*"} : s.rpc_cors;
  server.max_connections = s.rpc_max_connections;
  server.max_request_bytes = size_t{s.rpc_max_request_mib} << 20;
  server.policy = {s.rpc_methods == "unsafe" || (s.rpc_methods == "auto" && (!external || s.unsafe_rpc_external)), s.rpc_max_batch, size_t{s.rpc_max_response_mib} << 20, s.rpc_deadline_ms};
  const auto rpc_server = TRY(rpc::Server::start(server, node, metrics).context("JSON-RPC"));
  std::unique_ptr<http::Server> prometheus;
  if (s.prometheus_port) prometheus = TRY(rpc::serve_metrics(s.prometheus_address.value_or("127.0.0.1"), *s.prometheus_port, metrics).context("Prometheus"));

  log::info("node", "{}", config::version_of("phala-node"));
  log::info("node", "📋 Chain: {} ({}), genesis {}", spec.name, spec.id, to_hex0x(chain->view()->genesis));
  log::info("node", "💾 Database: {}", folder.string());
  std::string origins;
  for (const auto& origin : s.rpc_cors) origins += (origins.empty() ? "" : ",") + origin;
  log::info("node", "Running JSON-RPC server: addr={}:{}, allowed origins={}", server.address, rpc_server->port(), origins);
  producer.start();

  for (pollfd wait{signals, POLLIN, 0}; ::poll(&wait, 1, status_every_ms) == 0;) {
    const auto view = chain->view();
    log::info("node", "💤 Idle (0 peers), best: #{} ({}), finalized #{} ({}), ⬇ 0 ⬆ 0", view->number(), short_hash(view->hash), view->number(), short_hash(view->hash));
  }
  log::info("node", "stopping");
  // nobody asks any more, then nothing is built any more, then the store closes
  rpc_server->stop();
  if (prometheus) prometheus->stop();
  producer.stop();
  cpu.stop();
  if (broken) return fail(ErrorCode::unavailable, "a block could not be stored (see above); nothing that was final is lost", "free disk space or repair the disk, then start again");
  return {};
}

config::Parsed parse(int argc, char** argv, Settings& s) {
  config::Options options("phala-node", "A node of the Phala chain: stores it, seals blocks, answers JSON-RPC.", examples);
  options.value("--chain", s.chain, "'dev', or a chain spec file");
  options.flag("--dev", s.dev, "A development chain: --chain dev --rpc-cors all");
  options.value("-d,--base-path", s.base_path, "Folder for everything that is kept (default ~/.local/share/phala-node)");
  options.flag("--tmp", s.tmp, "Keep everything in a temporary folder and remove it at the end");
  options.value("--name", s.name, "Name of this node in metrics");
  options.flag("--validator", s.validator, "Accepted for orchestration tools: this node seals whenever it has the key");
  options.value("--sealer-key-file", s.sealer_key_file, "File with the 32-byte ed25519 seed in hex that seals blocks");
  options.value("--block-ms", s.block_ms, "Milliseconds between blocks; 0: as the chain spec says", 0u, 600'000u);
  options.value("--state-pruning", s.state_pruning, "States of how many last blocks stay readable, or 'archive'");
  options.value("--message-history", s.message_history, "Payloads of messages of how many last blocks are kept, or 'all'");
  options.value("--db-cache", s.db_cache_mib, "MiB of database cache", 1u, 65'536u);
  options.value("--rpc-port", s.rpc_port, "Port of JSON-RPC, /health and /metrics; 0: any free one");
  options.flag("--rpc-external", s.rpc_external, "Listen on all interfaces, with safe methods only");
  options.flag("--unsafe-rpc-external", s.unsafe_rpc_external, "Listen on all interfaces, unsafe methods too");
  options.value("--rpc-methods", s.rpc_methods, "Which methods are served; auto: unsafe ones on the loopback interface only", {"auto", "safe", "unsafe"});
  options.list("--rpc-cors", s.rpc_cors, "Origins of web pages that may use the RPC, or 'all'");
  options.value("--rpc-max-connections", s.rpc_max_connections, "Connections at once", 1u, 100'000u);
  options.value("--rpc-max-request-size", s.rpc_max_request_mib, "MiB of one request", 1u, 128u);
  options.value("--rpc-max-response-size", s.rpc_max_response_mib, "MiB of one answer", 1u, 256u);
  options.value("--rpc-max-subscriptions-per-connection", s.rpc_max_subscriptions, "Subscriptions of one connection", 1u, 100'000u);
  options.value("--rpc-max-batch-request-len", s.rpc_max_batch, "Calls in one batch", 1u, 10'000u);
  options.value("--rpc-deadline-ms", s.rpc_deadline_ms, "Milliseconds a call may take, its waiting included", 100u, 600'000u);
  options.value("--cpu-threads", s.cpu_threads, "Threads for heavy calls and signature checks; 0: one per processor", 0u, 1024u);
  options.value("--pool-limit", s.pool_limit, "Transactions ready in the pool", 1u, 1'000'000u);
  options.value("--pool-kbytes", s.pool_kib, "KiB of transactions ready in the pool", 1u, 4'000'000u);
  options.value("--pool-per-sender", s.pool_per_sender, "Transactions of one sender in the pool", 1u, 1'000'000u);
  options.value("--prometheus-port", s.prometheus_port, "Serve /metrics on a port of its own too");
  options.value("--prometheus-address", s.prometheus_address, "Address for --prometheus-port (default 127.0.0.1)");
  options.list("-l,--log", s.log_levels, "Levels: 'info', or 'target=level' (rpc, pool, seal, node)");
  options.flag("--log-json", s.log_json, "Log lines as JSON");
  options.flag("--rpc-help", s.rpc_help, "Print all JSON-RPC methods as a table, then exit");
  options.flag("--build-spec", s.build_spec, "Print the chain spec, then exit");
  auto parsed = options.parse(argc, argv);
  if (parsed.run && s.dev) s.chain = "dev";
  return parsed;
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  if (const auto parsed = parse(argc, argv, s); !parsed.run) return parsed.exit_code;
  if (s.rpc_help) {
    std::cout << rpc::help();
    return config::exit_ok;
  }
  if (const auto started = log::start({s.log_levels, s.log_json}); !started) {
    std::cerr << "phala-node: " << started.error().text() << '\n';
    return config::exit_usage;
  }
  // signals become a descriptor before any thread exists, so that no thread is interrupted
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  const auto ended = run(s, signals);
  if (!ended) log::error("node", "{}", ended.error().text());
  log::flush();
  return ended ? config::exit_ok : config::exit_code_of(ended.error());
}
