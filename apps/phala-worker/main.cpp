// phala-worker: parses its options, finds out who it is and what it may trust, builds its objects top to bottom, and runs until told to stop.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>

#include "api/server.hpp"
#include "attest/software.hpp"
#include "config/config.hpp"
#include "log/log.hpp"
#include "runtime/chain_spec.hpp"
#include "seal/image_files.hpp"
#include "seal/sealing.hpp"

namespace {
using namespace phala;
using namespace phala::worker;

struct Settings {
  std::string chain, base_path, address = "127.0.0.1", public_address = "127.0.0.1";
  u16 port = 8000;
  std::optional<u16> public_port;
  std::optional<std::string> attestation_authority;
  std::vector<std::string> endpoints, allow_egress, log_levels;
  u32 query_timeout = 10, cores = 0;
  u64 checkpoint_interval = 1800;
  bool allow_cors = false, log_json = false;
};

constexpr const char* examples =
    "  phala-worker --chain chain.json -d /var/lib/phala-worker --public-port 8001 --endpoint https://worker.example.org\n"
    "  phala-worker --chain dev.json -d /tmp/w1 --attestation-authority authority.json --allow-egress 127.0.0.1\n"
    "  The relay reads the private port's token from BASE-PATH/token.\n";

/// Secrets must not end in a core file, nor be read by a debugger of the same user.
void forbid_dumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Result<std::string> read_text(const std::string& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot read " + path, "check the path and its permissions");
  std::string text(limit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > limit) return fail(ErrorCode::invalid_input, path + " is larger than " + std::to_string(limit) + " bytes");
  return text;
}

/// Two programs on one folder would overwrite each other's state. The lock goes with the process.
Result<> lock_folder(const std::string& folder) {
  const int fd = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::unavailable, folder + " is in use by another worker, or cannot be written", "stop the other one, or choose another --base-path");
  return {};
}

/// The word the relay must know: made once, kept beside the state.
Result<std::string> private_token(Files& files) {
  const auto names = TRY(files.list());
  if (std::find(names.begin(), names.end(), "token") != names.end()) {
    std::string token(as_text(TRY(files.read_private("token"))));
    while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
    if (token.empty()) return fail(ErrorCode::corrupted, "the token file is empty", "remove it; a new one is made at the next start");
    return token;
  }
  Bytes raw(32);
  random_fill(raw.data(), raw.size());
  const std::string token = to_hex(raw);
  if (std::find(names.begin(), names.end(), "token.new") != names.end()) TRY(files.remove("token.new"));
  TRY(files.append("token.new", as_bytes(token)));
  TRY(files.rename("token.new", "token"));
  return token;
}

/// Evidence for machines without a TEE, signed by a development authority; none without its file.
Result<EvidenceCollector> evidence_collector(const Settings& settings, attest::TeeKind tee) {
  if (!settings.attestation_authority) return no_evidence();
  TRY(attest::require_no_tee(tee, "software evidence"));
  std::string text = TRY(read_text(*settings.attestation_authority, 1 << 20));
  auto authority = TRY(attest::DevelopmentAuthority::from_json(text).context(*settings.attestation_authority));
  wipe(text.data(), text.size());
  const auto shared = std::make_shared<const attest::DevelopmentAuthority>(std::move(authority));
  // report data: 32 bytes that are told, the rest zero
  const auto evidence_over = [shared](ByteView reported, u64 now_s) {
    attest::ReportData data{};
    std::ranges::copy(reported, data.begin());
    return attest::collect_software_evidence(*shared, attest::software_enclave(), data, now_s);
  };
  return EvidenceCollector{"\"dcap\"",
                           [evidence_over](const Hash& info_hash, u64 now_s) -> Result<Bytes> {
                             const auto evidence = TRY(evidence_over(info_hash, now_s));
                             return encode_dcap_report(evidence.quote, scale::encode(evidence.collateral));
                           },
                           [evidence_over](const PublicKey& worker, u64 now_s) -> Result<std::optional<Bytes>> { return TRY(evidence_over(worker, now_s)).quote; }};
}

Result<std::vector<egress::AddressRange>> egress_ranges(const std::vector<std::string>& texts) {
  std::vector<egress::AddressRange> out;
  for (const auto& text : texts) out.push_back(TRY(egress::parse_range(text).context("--allow-egress")));
  return out;
}

/// (major << 16) + (minor << 8) + patch
u32 version_number() {
  u32 part[3] = {0, 0, 0};
  std::sscanf(std::string(config::version()).c_str(), "%u.%u.%u", &part[0], &part[1], &part[2]);
  return part[0] << 16 | part[1] << 8 | part[2];
}

constexpr u64 compiled_code_bytes = 1u << 30;
constexpr long status_every_s = 5;

/// Until SIGTERM or SIGINT; a line of status whenever there was something new.
void run_until_stopped(const sigset_t& signals, const Service& service) {
  BlockNumber shown = 0;
  for (;;) {
    const timespec wait{status_every_s, 0};
    if (sigtimedwait(&signals, nullptr, &wait) >= 0) return;
    const auto machine = service.machine();
    if (machine->tip.number == shown) continue;
    shown = machine->tip.number;
    log::info("worker", "block {}, {} messages waiting{}{}", shown, pending(machine->egress), machine->working.registered ? ", registered" : "",
              machine->cluster ? ", " + std::to_string(machine->cluster->contracts.size()) + " contracts" : "");
  }
}

Result<> run(const Settings& settings) {
  if (settings.chain.empty()) return fail(ErrorCode::invalid_input, "no chain", "give --chain FILE, the chain spec of the network");
  if (settings.base_path.empty()) return fail(ErrorCode::invalid_input, "no folder for the worker's state", "give --base-path DIR");
  // before any thread, so that all inherit it
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto spec = TRY(runtime::chain_spec_from_json(TRY(read_text(settings.chain, 64u << 20))).context("chain spec " + settings.chain));
  ServiceConfig service_config;
  // what the worker believes: genesis as the spec gives it, computed here, and who finalizes as that genesis has it
  service_config.machine = {runtime::trust_root(runtime::build_genesis(spec)), spec.development};
  service_config.query_timeout_s = settings.query_timeout;
  service_config.cores = settings.cores != 0 ? settings.cores : std::clamp(std::thread::hardware_concurrency(), 1u, max_cores);
  service_config.query_threads = query_threads_for(service_config.cores);
  service_config.snapshot_interval_s = settings.checkpoint_interval;
  service_config.version = service_config.machine.build.version = version_number();

  const auto tee = attest::detect_tee();
  const Sealing& sealing = *TRY(sealing_for(tee));
  auto files = TRY(open_folder(settings.base_path));
  TRY(lock_folder(settings.base_path));
  const std::string token = TRY(private_token(*files));
  crypto::Seed fresh;
  random_fill(fresh.data(), fresh.size());
  const auto identity = TRY(load_or_create_identity(sealing, *files, service_config.machine.trust, fresh));
  auto pair = crypto::Sr25519Pair::from_seed(identity.seed);
  auto evidence = TRY(evidence_collector(settings, tee));

  auto compiled = TRY(open_folder(settings.base_path + "/compiled"));
  const auto images = TRY(ImageFiles::open(*compiled, storage_key(pair), random_fill, compiled_code_bytes).context(settings.base_path + "/compiled"));
  service_config.images = images.get();

  std::vector<u16> own_ports{settings.port};
  if (settings.public_port) own_ports.push_back(*settings.public_port);
  egress::HttpEgress http(TRY(egress_ranges(settings.allow_egress)), {own_ports});
  Metrics metrics;
  metrics.gauge("phala_worker_build_info", "Version and commit of this build", {{"version", std::string(config::version())}, {"commit", std::string(config::commit())}}).set(1);
  log::info("worker", "{} on {} ({} sealing), chain {} with genesis {}", config::version_of("phala-worker"), to_string(tee), sealing.name, spec.id,
            to_hex0x(service_config.machine.trust.genesis_hash));
  log::info("worker", "public key {}", to_hex0x(pair.public_key()));

  bool remove_state = false;
  {
    const auto service = TRY(Service::start(std::move(service_config), std::move(pair), std::move(evidence), *files, http, metrics));
    service->set_endpoints(settings.endpoints);
    ApiContext context{*service, std::string(config::version()), std::string(config::commit()), [&remove_state](bool remove) {
                         remove_state = remove;
                         kill(getpid(), SIGTERM);
                       }};
    const auto api = TRY(Api::start(std::move(context), {settings.address, settings.port, settings.public_address, settings.public_port, settings.allow_cors, token}, metrics));
    http.set_own_ports({api->port(), api->public_port()});   // as bound: 0 in the options leaves the choice to the system
    log::info("worker", "private port {}:{}{}", settings.address, api->port(),
              settings.public_port ? ", public port " + settings.public_address + ":" + std::to_string(api->public_port()) : "");
    run_until_stopped(signals, *service);
    log::info("worker", "stopping");
  }
  if (!remove_state) return {};
  // the log goes with the state: the blocks come again, and what they log with them
  for (const auto& name : TRY(files->list()))
    if (name.starts_with("state-") || name.starts_with("log-")) TRY(files->remove(name));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  forbid_dumps();
  Settings settings;
  config::Options options("phala-worker", "The enclave program of the Phala network: follows the chain's messages, runs contracts, answers queries.", examples);
  options.value("--chain", settings.chain, "chain spec (JSON): whom to trust");
  options.value("-d,--base-path", settings.base_path, "folder for identity, state and token");
  options.value("--address", settings.address, "address of the private port");
  options.value("--port", settings.port, "private port, for the relay");
  options.value("--public-address", settings.public_address, "address of the public port; 0.0.0.0 to serve other machines");
  options.value("--public-port", settings.public_port, "public port, for queries; none unless given");
  options.list("--endpoint", settings.endpoints, "URL under which clients reach the public port; registered on chain by the relay");
  options.value("--attestation-authority", settings.attestation_authority, "development authority (JSON) that signs evidence for machines without a TEE");
  options.flag("--allow-cors", settings.allow_cors, "let web pages of any origin query the public port");
  options.list("--allow-egress", settings.allow_egress, "local addresses (CIDR) that contracts may reach by HTTP");
  options.value("--query-timeout", settings.query_timeout, "seconds a query may take", 5, 600);
  options.value("--checkpoint-interval", settings.checkpoint_interval, "seconds between snapshots of the state", 1);
  options.value("--cores", settings.cores, "cores for queries and benchmark; 0: all", 0, max_cores);
  options.list("-l,--log", settings.log_levels, "log level, or target=level");
  options.flag("--log-json", settings.log_json, "log lines as JSON");
  const auto parsed = options.parse(argc, argv);
  if (!parsed.run) return parsed.exit_code;
  log::Options log_options;
  log_options.levels = settings.log_levels;
  log_options.json = settings.log_json;
  Result<> done = log::start(log_options);
  if (done) done = run(settings);
  if (!done) std::cerr << "phala-worker: " << done.error().text() << "\n";
  log::flush();
  return done ? config::exit_ok : config::exit_code_of(done.error());
}
