// phala-node: parses its options, builds its objects top to bottom, runs until told to stop, and takes everything down in reverse.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/account.hpp"
#include "log/log.hpp"
#include "rpc/server.hpp"
#include "runtime/chain_spec.hpp"
#include "settings.hpp"

namespace {
using namespace phala;
using app::Settings;
namespace fs = std::filesystem;

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

/// 32 bytes in hex; `text` is wiped. `what`: "the sealer key file x".
Result<crypto::Seed> seed_of(std::string text, const std::string& what) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  Result<crypto::Seed> seed = fail(ErrorCode::invalid_input, what + " does not hold 32 bytes in hex");
  if (auto bytes = from_hex(text); bytes && bytes->size() == 32) {
    seed = crypto::Seed(*bytes);
    wipe(bytes->data(), bytes->size());
  }
  wipe(text.data(), text.size());
  return seed;
}

/// The sealing key: a file with 32 bytes in hex, or the well-known key of a development account; on the chain "dev" without either, Alice's.
Result<crypto::Seed> sealer_seed(const Settings& s) {
  if (s.sealer_key_file) return seed_of(TRY(read_text(*s.sealer_key_file, 1024)), "the sealer key file " + *s.sealer_key_file);
  if (!s.account() && s.chain != "dev") return fail(ErrorCode::invalid_input, "no sealer key", "give --sealer-key-file; the chain spec says which key may seal");
  const auto pair = TRY(crypto::KeyPair::from_uri("//" + std::string(s.account() ? s.account() : "Alice"), crypto::Scheme::ed25519));
  return pair.seed()->clone();
}

/// Who this node is to others.
Result<std::string> peer_id(const Settings& s, const PublicKey& sealer) {
  if (!s.node_key && !s.node_key_file) return rpc::peer_id_of(sealer);
  const auto seed = TRY(s.node_key ? seed_of(*s.node_key, "--node-key") : seed_of(TRY(read_text(*s.node_key_file, 1024)), "the node key file " + *s.node_key_file));
  return rpc::peer_id_of(crypto::Ed25519Pair::from_seed(seed).public_key);
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

/// Gauges of caches, renewed with each block.
void report_caches(node::Chain& chain, Metrics& metrics) {
  auto& database = metrics.gauge("substrate_database_cache_bytes", "RocksDB cache size in bytes");
  auto& state = metrics.gauge("substrate_state_cache_bytes", "State cache size in bytes");
  const auto set = [&chain, &database, &state] {
    const auto use = chain.cache_use();
    database.set(static_cast<double>(use.database));
    state.set(static_cast<double>(use.state));
  };
  set();
  chain.on_import([set](const node::Imported&) { set(); });
}

void report_process(const Settings& s, Metrics& metrics) {
  metrics.gauge("substrate_build_info", "A metric with a constant '1' value labeled by name, version", {{"name", s.name}, {"version", std::string(config::version()) + "-" + std::string(config::commit())}}).set(1);
  metrics.gauge("substrate_process_start_time_seconds", "Number of seconds between the UNIX epoch and the moment the process started").set(static_cast<double>(wall_clock_ms() / 1000));
  metrics.gauge("substrate_node_roles", "The roles the node is running as").set(4);
  metrics.gauge("substrate_number_leaves", "Number of known chain leaves (aka forks)").set(1);
  metrics.gauge("substrate_sub_libp2p_peers_count", "Number of connected peers").set(0);
  metrics.gauge("substrate_sub_libp2p_is_major_syncing", "Whether the node is performing a major sync or not").set(0);
}

Result<store::Options> store_options(const Settings& s) {
  store::Options out;
  out.keep_states = TRY(blocks_kept("--state-pruning", s.state_pruning));
  out.message_history = TRY(blocks_kept("--message-history", s.message_history));
  out.cache_bytes = size_t{s.db_cache_mib} << 20;
  return out;
}

rpc::ServerOptions server_options(const Settings& s) {
  rpc::ServerOptions out;
  out.address = s.external() ? "0.0.0.0" : "127.0.0.1";
  out.port = s.rpc_port;
  out.cors_origins = s.cors_origins();
  out.hosts = s.rpc_hosts();
  out.max_connections = s.rpc_max_connections;
  out.max_request_bytes = size_t{s.rpc_max_request_mib} << 20;
  out.policy = {s.unsafe_methods(), s.rpc_max_batch, size_t{s.rpc_max_response_mib} << 20, s.rpc_deadline_ms};
  return out;
}

/// Who may ask, and what of the options came to nothing.
void announce(const Settings& s, const rpc::ServerOptions& server, u16 port) {
  for (const auto& note : s.without_effect()) log::info("node", "{}", note);
  if (s.rpc_external) log::warn("node", "everybody who reaches this machine may use the RPC{}", s.unsafe_methods() ? ", unsafe methods too" : "");
  std::string origins;
  for (const auto& origin : server.cors_origins) origins += (origins.empty() ? "" : ",") + origin;
  log::info("node", "Running JSON-RPC server: addr={}:{}, allowed origins={}", server.address, port, origins);
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
  const auto keeping = TRY(store_options(s));
  TemporaryFolder temporary;
  const auto folder = TRY(base_folder(s, spec.id, temporary));
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::unavailable, "cannot make " + folder.string() + ": " + error.message(), "check permissions and free space, or give another --base-path");

  Metrics metrics({{"chain", spec.id}});
  report_process(s, metrics);
  CpuPool cpu(s.cpu_threads ? s.cpu_threads : std::max(2u, std::thread::hardware_concurrency()), 1024);
  const auto chain = TRY(node::Chain::open(folder.string(), keeping, spec));
  report_heights(*chain, metrics);
  report_caches(*chain, metrics);
  const node::PoolLimits pool{.ready_count = s.pool_limit, .ready_bytes = size_t{s.pool_kib} << 10, .per_sender = s.pool_per_sender};
  node::Admission admission(*chain, cpu, pool, wall_clock_ms, metrics);
  rpc::Hub hub(*chain, {.per_connection = s.rpc_max_subscriptions, .notification_bytes = size_t{s.rpc_max_response_mib} << 20}, metrics);
  admission.on_event([&hub](const node::PoolEvent& event) { hub.transaction_event(event); });
  std::optional<Error> broken;   // written by the producer's thread, read when that has ended
  const node::Producer::Options making{s.block_ms ? s.block_ms : spec.block_ms, node::BuildMode::interval, spec.development};
  const auto id = TRY(peer_id(s, sealer.public_key));
  node::Producer producer(*chain, admission, std::move(sealer), making, wall_clock_ms, metrics, [&broken](const Error& why) {
    broken = why;
    ::kill(::getpid(), SIGTERM);
  });
  const rpc::Node node{{"phala-node", std::string(config::version()) + "-" + std::string(config::commit()), spec, {"Authority"}, id}, *chain, admission, &producer, hub, cpu};

  const auto server = server_options(s);
  const auto rpc_server = TRY(rpc::Server::start(server, node, metrics).context("JSON-RPC"));
  std::unique_ptr<http::Server> prometheus;
  if (const auto at = s.prometheus()) prometheus = TRY(rpc::serve_metrics(at->first, at->second, metrics).context("Prometheus"));

  log::info("node", "{}", config::version_of("phala-node"));
  log::info("node", "📋 Chain: {} ({}), genesis {}", spec.name, spec.id, to_hex0x(chain->view()->genesis));
  log::info("node", "💾 Database: {}", folder.string());
  log::info("node", "🏷  Local node identity is: {}", id);
  announce(s, server, rpc_server->port());
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
  if (broken) {
    // the input was the chain's own: not a wrong option of whoever starts the node
    if (broken->code == ErrorCode::invalid_input) broken->code = ErrorCode::internal;
    return fail(std::move(*broken).in("the node stopped because it could not make a block (nothing that was final is lost)"));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  if (const auto parsed = app::parse(argc, argv, s); !parsed.run) return parsed.exit_code;
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
