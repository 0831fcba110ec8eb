// Asks a worker the same question again and again as the published SDK asks it (docs/protocol.md §9): encrypted under a fresh key agreement, signed by
// a certificate's one-time key, the certificate signed by its owner. One keep-alive connection a client, the next question as soon as the answer is
// there. Requests are made before the clock starts, so that what is measured is the worker. Prints JSON; see usage below.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "crypto/cipher.hpp"
#include "crypto/sign.hpp"
#include "primitives/protocol.hpp"
#include "pruntime_rpc.pb.h"

namespace phala {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr const char* usage =
    "Usage: phala_query_load PORT WORKER_KEY CONTRACT INPUT CLIENTS SECONDS\n"
    "  asks the worker on 127.0.0.1:PORT; keys, contract and input in hex\n"
    "  prints {\"requests_per_s\", \"p50_ms\", \"p99_ms\", \"requests\", \"checked\", \"output\"}\n"
    "Exit code 1 when an answer is not what a client accepts.\n";

constexpr size_t prepared_per_client = 256;   // then they are asked again
constexpr size_t check_every = 64;            // answers that are opened

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "phala_query_load: %s\n", why.c_str());
  std::exit(1);
}
template <class T>
T must(Result<T> result, const char* what) {
  if (!result) give_up(std::string(what) + ": " + result.error().text());
  return std::move(*result);
}

struct CertificateBody { Bytes pubkey; u32 ttl{}; u32 config_bits{};  FIELDS(pubkey, ttl, config_bits) };
constexpr u32 certificate_ttl = 0x7fffffff;
constexpr int signature_type_sr25519 = 1;

/// Different for each `n`; secrets of a benchmark need not be unpredictable.
crypto::Sr25519Pair pair_number(u32 n) {
  Bytes seed(32, 0x5a);
  store_le(seed.data(), n);
  return crypto::Sr25519Pair::from_seed(crypto::Seed(seed));
}
std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

/// One user: a key of one's own, and a certificate for a one-time key that signs the requests.
struct User {
  crypto::Sr25519Pair session;
  pruntime_rpc::Certificate certificate;
  explicit User(u32 n) : session(pair_number(2 * n)) {
    const auto owner = pair_number(2 * n + 1);
    const auto body_of = [](const crypto::Sr25519Pair& pair) { return scale::encode(CertificateBody{to_bytes(pair.public_key()), certificate_ttl, 0}); };
    const Bytes body = body_of(session);
    certificate.set_encoded_body(text_of(body));
    auto& vouched = *certificate.mutable_signature();
    vouched.mutable_signed_by()->set_encoded_body(text_of(body_of(owner)));
    vouched.set_signature_type(signature_type_sr25519);
    vouched.set_signature(text_of(owner.sign(body)));
  }
};

struct Question {
  std::string request;          ///< HTTP, whole
  crypto::Key32 key;
  Hash nonce;
};

struct Target { std::string port; PublicKey worker; Hash contract; Bytes input; };

Question ask(const Target& target, const User& user, u32 n) {
  Question out;
  const auto ephemeral = pair_number(0x80000000u + n);
  out.key = must(ephemeral.agree(target.worker), "worker key");
  store_le(out.nonce.data(), n);
  crypto::Iv iv;
  store_le(iv.data(), n);
  // contract ‖ nonce ‖ InkMessage(payload, deposit, transfer, estimating)
  const Bytes plain = scale::encode(target.contract, out.nonce, u8{0}, target.input, u128{0}, u128{0}, false);
  const Bytes sealed = scale::encode(protocol::EncryptedData{iv.as<FixedBytes<12>>(), ephemeral.public_key(), crypto::aes256gcm_seal(out.key, iv, plain)});
  pruntime_rpc::ContractQueryRequest request;
  request.set_encoded_encrypted_data(text_of(sealed));
  auto& signature = *request.mutable_signature();
  *signature.mutable_signed_by() = user.certificate;
  signature.set_signature_type(signature_type_sr25519);
  signature.set_signature(text_of(user.session.sign(sealed)));
  const std::string body = request.SerializeAsString();
  out.request = "POST /prpc/PhactoryAPI.ContractQuery HTTP/1.1\r\nHost: 127.0.0.1:" + target.port +
                "\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return out;
}

/// The answer in clear, after nonce and the two Ok's around it; gives up on anything else.
Bytes open_answer(const Question& question, const std::string& body) {
  pruntime_rpc::ContractQueryResponse response;
  if (!response.ParseFromString(body)) give_up("an answer is not a ContractQueryResponse");
  const auto sealed = scale::decode<protocol::EncryptedData>(as_bytes(response.encoded_encrypted_data()));
  if (!sealed) give_up("an answer does not hold EncryptedData");
  const Bytes plain = must(crypto::aes256gcm_open(question.key, sealed->iv.as<crypto::Iv>(), sealed->data), "an answer does not open");
  if (plain.size() < 34 || !same_bytes(ByteView(plain).first(32), question.nonce)) give_up("an answer belongs to another question");
  if (plain[32] != 0 || plain[33] != 0) give_up("the query failed: " + to_hex(ByteView(plain).subspan(32)));
  return must(scale::decode<Bytes>(ByteView(plain).subspan(34)).map_error(scale::to_error), "an answer holds no bytes");
}

struct Outcome {
  std::vector<double> latencies_ms;
  size_t checked = 0;
  Bytes output;
};

asio::awaitable<void> client(tcp::endpoint worker, std::vector<Question> questions, Clock::time_point until, Outcome& outcome) {
  tcp::socket socket(co_await asio::this_coro::executor);
  if (auto [error] = co_await socket.async_connect(worker, as_result); error) give_up("cannot connect: " + error.message());
  socket.set_option(tcp::no_delay(true));
  boost::beast::flat_buffer buffer;
  for (size_t n = 0; Clock::now() < until; ++n) {
    const Question& question = questions[n % questions.size()];
    const auto begin = Clock::now();
    if (auto [error, size] = co_await asio::async_write(socket, asio::buffer(question.request), as_result); error) give_up("cannot send: " + error.message());
    http::response<http::string_body> response;
    if (auto [error, size] = co_await http::async_read(socket, buffer, response, as_result); error) give_up("no answer: " + error.message());
    outcome.latencies_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    if (response.result() != http::status::ok) give_up("HTTP " + std::to_string(response.result_int()) + ": " + response.body());
    if (n % check_every != 0) continue;
    outcome.output = open_answer(question, response.body());
    ++outcome.checked;
  }
}

/// The value below which a fraction of the sorted values lies.
double quantile(const std::vector<double>& sorted, double fraction) { return sorted[static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1))]; }

int run(const Target& target, u32 clients, double seconds) {
  asio::io_context io(1);
  Outcome outcome;
  std::vector<std::vector<Question>> questions(clients);
  for (u32 c = 0; c < clients; ++c) {
    const User user(c);
    for (u32 n = 0; n < prepared_per_client; ++n) questions[c].push_back(ask(target, user, c * prepared_per_client + n));
  }
  const tcp::endpoint worker(asio::ip::address_v4::loopback(), static_cast<u16>(std::stoul(target.port)));
  const auto begin = Clock::now();
  const auto until = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (auto& mine : questions)
    asio::co_spawn(io, client(worker, std::move(mine), until, outcome), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
  io.run();
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  auto& all = outcome.latencies_ms;
  if (all.empty()) give_up("no time to ask anything");
  std::ranges::sort(all);
  std::printf("{\"requests_per_s\": %.1f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"requests\": %zu, \"checked\": %zu, \"output\": \"%s\"}\n", static_cast<double>(all.size()) / took,
              quantile(all, 0.5), quantile(all, 0.99), all.size(), outcome.checked, to_hex0x(outcome.output).c_str());
  return 0;
}

}  // namespace
}  // namespace phala

int main(int argc, char** argv) {
  using namespace phala;
  if (argc != 7) {
    std::fputs(usage, stderr);
    return 2;
  }
  const auto bytes = [&](int i, const char* what) { return must(from_hex(argv[i]), what); };
  const Target target{argv[1], must(PublicKey::from(bytes(2, "WORKER_KEY")), "WORKER_KEY"), must(Hash::from(bytes(3, "CONTRACT")), "CONTRACT"), bytes(4, "INPUT")};
  try {
    return run(target, static_cast<u32>(std::stoul(argv[5])), std::stod(argv[6]));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "phala_query_load: %s\n", e.what());
    return 1;
  }
}
