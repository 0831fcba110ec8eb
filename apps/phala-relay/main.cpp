// phala-relay: parses its options, builds its objects top to bottom, runs until told to stop. It keeps nothing, so it stops at once.

#include <fcntl.h>
#include <sys/file.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "carry/relay.hpp"
#include "config/config.hpp"
#include "http/http.hpp"
#include "log/log.hpp"

namespace {
using namespace phala;

struct Settings {
  std::string node = "ws://127.0.0.1:9944", tip = "0";
  std::vector<std::string> workers, token_files, log_levels;
  std::optional<std::string> mnemonic, mnemonic_file, operator_, base_path;
  std::optional<u16> prometheus_port;
  bool prometheus_external = false, log_json = false;
  u32 longevity = relay::Limits{}.longevity_blocks;
  u32 max_messages = relay::Limits{}.transactions;
  u32 batch_blocks = relay::Limits{}.batch_blocks;
};

constexpr const char* examples =
    "  phala-relay --worker http://127.0.0.1:8000 --token-file /var/lib/phala-worker/token\n"
    "      one worker beside a node on this machine\n"
    "  phala-relay --node ws://node:9944 --mnemonic \"$PHRASE\" --operator 45R2… \\\n"
    "              --worker http://10.0.0.2:8000 --token-file a.token --worker http://10.0.0.3:8000 --token-file b.token\n";

/// An address as it is, or the account of a key URI.
Result<AccountId> account_of(const std::string& text) {
  if (auto account = crypto::account_from_ss58(text)) return account;
  const auto pair = crypto::KeyPair::from_uri(text);
  if (!pair) return fail(ErrorCode::invalid_input, "--operator is neither an address nor a key URI", "for example 45R2pfjQUW2s9PQRHU48HQKLKHVMaDja7N3wpBtmF28UYDs2 or //Alice");
  return pair->account();
}

/// Two relays that pay with one account take each other's nonces: at most one per folder.
Result<> claim_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = folder + "/lock";
  const int lock = error ? -1 : open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return fail(ErrorCode::unavailable, "cannot write " + path, "choose a folder you may write with --base-path");
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) return fail(ErrorCode::unavailable, folder + " is in use by another relay", "stop it, or choose another --base-path");
  return {};   // held until the process ends
}

Result<relay::RelayOptions> relay_options(const Settings& s) {
  relay::RelayOptions out;
  if (s.workers.empty()) return fail(ErrorCode::invalid_input, "no worker to serve", "give --worker with the URL of a worker's private port");
  if (!s.token_files.empty() && s.token_files.size() != s.workers.size())
    return fail(ErrorCode::invalid_input, std::to_string(s.workers.size()) + " --worker but " + std::to_string(s.token_files.size()) + " --token-file", "give one file for each worker, in the same order");
  out.node_url = s.node;
  for (size_t i = 0; i < s.workers.size(); ++i) out.workers.push_back({s.workers[i], s.token_files.empty() ? "" : s.token_files[i]});
  out.mnemonic = s.mnemonic;
  if (s.mnemonic_file) {
    if (s.mnemonic) return fail(ErrorCode::invalid_input, "both --mnemonic and --mnemonic-file", "give one of them");
    std::ifstream file(*s.mnemonic_file);
    std::string line;
    if (!std::getline(file, line) || line.empty()) return fail(ErrorCode::not_found, "cannot read a key URI from the first line of " + *s.mnemonic_file);
    out.mnemonic = line;
  }
  if (s.operator_) out.operator_ = TRY(account_of(*s.operator_));
  out.tip = TRY(parse_u128(s.tip).context("--tip"));
  out.limits.longevity_blocks = s.longevity;
  out.limits.longest_retry_blocks = std::max(out.limits.longest_retry_blocks, s.longevity);
  out.limits.transactions = s.max_messages;
  out.limits.batch_blocks = s.batch_blocks;
  return out;
}

Result<> run(const Settings& s) {
  TRY(log::start({s.log_levels.empty() ? std::vector<std::string>{"info"} : s.log_levels, s.log_json, true}));
  relay::RelayOptions options = TRY(relay_options(s));
  if (s.base_path) TRY(claim_folder(*s.base_path));
  Metrics metrics;
  relay::Loop loop;
  const auto carrier = TRY(relay::Relay::start(loop, std::move(options), metrics));
  std::unique_ptr<http::Server> server;
  if (s.prometheus_port) {
    http::ServerOptions where;
    where.address = s.prometheus_external ? "0.0.0.0" : "127.0.0.1";
    where.port = *s.prometheus_port;
    where.server_name = "phala-relay";
    server = TRY(http::Server::start(where, {{"GET", "/metrics", 0, [&metrics](const http::Request&, const http::Respond& send) { send({200, metrics.render(), Metrics::content_type, {}}); }},
                                             {"GET", "/health", 0, [&carrier](const http::Request&, const http::Respond& send) {
                                                const bool healthy = carrier->healthy();
                                                send({healthy ? 200 : 503, healthy ? "ok\n" : "a worker or the node does not answer or is behind\n"});
                                              }}})
                     .context("--prometheus-port"));
  }
  loop.run();
  if (server) server->stop(0);
  if (carrier->failure()) return fail(*carrier->failure());
  log::info("relay", "stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  config::Options options("phala-relay", "Carries the chain's messages to workers, and their messages and registrations to the chain. Holds no secret but the account that pays.", examples);
  options.value("--node", s.node, "JSON-RPC of a node (WebSocket)");
  options.list("--worker", s.workers, "URL of a worker's private port; repeat it for a fleet");
  options.list("--token-file", s.token_files, "file with that worker's token; one for each --worker, in the same order");
  options.value("-d,--base-path", s.base_path, "a folder that only one running relay may use");
  options.value("-m,--mnemonic", s.mnemonic, "key URI of the account that pays; on development chains //Alice when omitted");
  options.value("--mnemonic-file", s.mnemonic_file, "the same, from the first line of a file: other users of the machine see the options of running programs");
  options.value("--operator", s.operator_, "address (or key URI) of the workers' operator, written into their registration");
  options.value("--tip", s.tip, "added to the fee of each transaction, in the smallest unit");
  options.value("--longevity", s.longevity, "blocks for which a transaction is valid, after which it is sent again", 4, 4096);
  options.value("--max-sync-msgs-per-round", s.max_messages, "transactions in flight at most", 1, 10'000);
  options.value("--sync-blocks", s.batch_blocks, "blocks given to a worker at once at most", 1, 4096);
  options.value("--prometheus-port", s.prometheus_port, "serves GET /metrics and /health");
  options.flag("--prometheus-external", s.prometheus_external, "serve them on all interfaces");
  options.list("-l,--log", s.log_levels, "level, or target=level");
  options.flag("--log-json", s.log_json, "one JSON object per log line");
  const auto parsed = options.parse(argc, argv);
  if (!parsed.run) return parsed.exit_code;
  const auto done = run(s);
  log::flush();
  if (done) return config::exit_ok;
  std::fprintf(stderr, "phala-relay: %s\n", done.error().text().c_str());
  return config::exit_code_of(done.error());
}
