// Why: the prices of the chain's weights rest on these. Peer figures: docs/performance.md.

#include <benchmark/benchmark.h>

#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"
#include "crypto/sign.hpp"

namespace phala::crypto {
namespace {

template <auto hash>
void hashing(benchmark::State& state) {
  Bytes data(static_cast<size_t>(state.range(0)), 1);
  for (auto _ : state) {
    const auto digest = hash(data);
    data[0] = digest[0];  // each hash waits for the last: time, not throughput of overlapping calls
    benchmark::DoNotOptimize(data.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(hashing<blake2_256>)->Name("blake2_256")->Arg(32)->Arg(64)->Arg(512)->Arg(1 << 10)->Arg(1 << 16);
BENCHMARK(hashing<blake2_128>)->Name("blake2_128")->Arg(32);
BENCHMARK(hashing<sha2_256>)->Name("sha2_256")->Arg(32)->Arg(1 << 16);
BENCHMARK(hashing<keccak_256>)->Name("keccak_256")->Arg(32)->Arg(1 << 16);
BENCHMARK(hashing<twox_64>)->Name("twox_64")->Arg(32);
BENCHMARK(hashing<twox_128>)->Name("twox_128")->Arg(32);

/// Time of one iteration = 64 messages.
void blake2_256_of_64(benchmark::State& state) {
  const Bytes data(static_cast<size_t>(state.range(0)), 1);
  const std::vector<ByteView> views(64, data);
  std::vector<Hash> digests(64);
  for (auto _ : state) {
    blake2_256_many(views, digests);
    benchmark::DoNotOptimize(digests.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 64);
}
BENCHMARK(blake2_256_of_64)->Arg(32)->Arg(512);

Seed seed_of(size_t i) { return Seed(Bytes(32, static_cast<u8>(1 + i % 250))); }

void sr25519_sign_one(benchmark::State& state) {
  const auto pair = Sr25519Pair::from_seed(seed_of(0));
  const Bytes message(100, 7);
  for (auto _ : state) benchmark::DoNotOptimize(pair.sign(message));
}
BENCHMARK(sr25519_sign_one);

void sr25519_verify_one(benchmark::State& state) {
  const auto pair = Sr25519Pair::from_seed(seed_of(0));
  const Bytes message(100, 7);
  const auto signature = pair.sign(message);
  for (auto _ : state)
    if (!sr25519_verify(signature, message, pair.public_key())) state.SkipWithError("refused");
}
BENCHMARK(sr25519_verify_one);

/// Time of one iteration = the whole batch; items_per_second = signatures.
void sr25519_verify_many(benchmark::State& state) {
  const Bytes message(100, 7);
  std::vector<SignedItem> items;
  for (size_t i = 0; i < static_cast<size_t>(state.range(0)); ++i) {
    const auto pair = Sr25519Pair::from_seed(seed_of(i));
    items.push_back({pair.sign(message), message, pair.public_key()});
  }
  for (auto _ : state)
    if (!sr25519_verify_batch(items)) state.SkipWithError("refused");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(sr25519_verify_many)->Arg(4)->Arg(64)->Arg(125)->Arg(250)->Arg(512);

void sr25519_agree_one(benchmark::State& state) {
  const auto pair = Sr25519Pair::from_seed(seed_of(0)), peer = Sr25519Pair::from_seed(seed_of(1));
  for (auto _ : state) benchmark::DoNotOptimize(pair.agree(peer.public_key()));
}
BENCHMARK(sr25519_agree_one);

void ed25519_verify_one(benchmark::State& state) {
  const auto pair = Ed25519Pair::from_seed(seed_of(0));
  const Bytes message(100, 7);
  const auto signature = pair.sign(message);
  for (auto _ : state)
    if (!ed25519_verify(signature, message, pair.public_key)) state.SkipWithError("refused");
}
BENCHMARK(ed25519_verify_one);

void ecdsa_recover_one(benchmark::State& state) {
  const auto pair = *EcdsaPair::from_seed(seed_of(0));
  const Hash digest = blake2_256(as_bytes("message"));
  const auto signature = pair.sign_prehashed(digest);
  for (auto _ : state)
    if (ecdsa_recover(signature, digest) != pair.public_key) state.SkipWithError("another key");
}
BENCHMARK(ecdsa_recover_one);

void aes256gcm_seal_one(benchmark::State& state) {
  const Key32 key;
  const Bytes plain(static_cast<size_t>(state.range(0)), 7);
  for (auto _ : state) benchmark::DoNotOptimize(aes256gcm_seal(key, Iv(), plain));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(aes256gcm_seal_one)->Arg(64)->Arg(1 << 16);

void hkdf_one(benchmark::State& state) {
  const Bytes secret(64, 1);
  for (auto _ : state) benchmark::DoNotOptimize(hkdf_sha256(as_bytes("salt"), secret, as_bytes("info")));
}
BENCHMARK(hkdf_one);

}  // namespace
}  // namespace phala::crypto
