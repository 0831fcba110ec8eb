#include "carry/blocks.hpp"

#include <nlohmann/json.hpp>

#include "light/light.hpp"

namespace phala::relay {
namespace {

using nlohmann::json;

Error not_served(std::string_view what, BlockNumber from) {
  return {ErrorCode::unavailable, "the node does not serve " + std::string(what) + " from block " + std::to_string(from) + " on", "is --message-history of the node long enough?"};
}
std::string numbers(u64 a, u64 b) { return "[" + std::to_string(a) + "," + std::to_string(b) + "]"; }

/// Decodes a list whose items carry consecutive numbers from `from` on, and encodes each item on its own.
template <class Item, class NumberOf>
Result<std::vector<Bytes>> items(const json& answer, std::string_view what, BlockNumber from, NumberOf number_of) {
  const Bytes raw = TRY(bytes_of_hex(answer).context(what));
  const auto list = scale::decode<std::vector<Item>>(raw);
  if (!list) return fail(ErrorCode::unavailable, std::string(what) + " from block " + std::to_string(from) + " on do not decode", "are node and relay of one version?");
  std::vector<Bytes> out;
  for (const auto& item : *list) {
    if (number_of(item) != u64{from} + out.size()) return fail(not_served(what, from + static_cast<BlockNumber>(out.size())));
    out.push_back(scale::encode(item));
  }
  return out;
}

}  // namespace

Result<Bytes> bytes_of_hex(const json& value) {
  if (!value.is_string()) return fail(ErrorCode::unavailable, "the node's answer is no hex text");
  return from_hex(value.get_ref<const std::string&>()).map_error([](Error e) { return Error{ErrorCode::unavailable, "the node's answer is no hex text: " + e.message}; });
}

struct Blocks::Job {
  BlockNumber from, to;        ///< `to`: wanted next, moves on where only a later block can be proved
  bool must_reach = false;     ///< `to` is known to be provable: nothing before it will do
  std::vector<Bytes> headers, messages;
  Done done;
  BlockNumber next() const { return from + static_cast<BlockNumber>(headers.size()); }
};

void Blocks::fetch(BlockNumber from, BlockNumber to, Done done) { ask_messages(std::make_shared<Job>(Job{from, to, false, {}, {}, std::move(done)})); }

void Blocks::ask_messages(std::shared_ptr<Job> job) {
  node_.call("phala_messages", numbers(job->next(), u64{job->to} - job->next() + 1), [this, job](Result<json, CallError> answer) {
    if (!answer) return job->done(fail(ErrorCode::unavailable, "phala_messages: " + answer.error().text));
    auto list = items<BlockMessages>(*answer, "messages", job->next(), [](const BlockMessages& m) { return m.number; });
    if (!list) return job->done(fail(std::move(list.error())));
    if (list->empty() || list->size() > job->to - job->next() + 1) return job->done(fail(not_served("messages", job->next())));
    ask_headers(job, std::move(*list));
  });
}

void Blocks::ask_headers(std::shared_ptr<Job> job, std::vector<Bytes> messages) {
  const size_t count = messages.size();
  node_.call("phala_headers", numbers(job->next(), count), [this, job, messages = std::move(messages)](Result<json, CallError> answer) mutable {
    if (!answer) return job->done(fail(ErrorCode::unavailable, "phala_headers: " + answer.error().text));
    auto list = items<Header>(*answer, "headers", job->next(), [](const Header& h) { return h.number.value; });
    if (!list) return job->done(fail(std::move(list.error())));
    if (list->size() != messages.size()) return job->done(fail(not_served("headers", job->next())));
    std::move(list->begin(), list->end(), std::back_inserter(job->headers));
    std::move(messages.begin(), messages.end(), std::back_inserter(job->messages));
    if (job->must_reach && job->next() <= job->to) return ask_messages(job);
    ask_proof(job);
  });
}

void Blocks::ask_proof(std::shared_ptr<Job> job) {
  const BlockNumber last = job->next() - 1;
  node_.call("phala_finalityProof", "[" + std::to_string(last) + "]", [this, job, last](Result<json, CallError> answer) {
    if (!answer) return job->done(fail(ErrorCode::unavailable, "phala_finalityProof: " + answer.error().text));
    const auto number = answer->is_object() ? answer->find("number") : answer->end();
    if (!answer->is_object() || number == answer->end() || !number->is_number_unsigned() || !answer->contains("proof"))
      return job->done(fail(ErrorCode::unavailable, "the node has no proof yet that block " + std::to_string(last) + " is final"));
    const u64 proved = number->get<u64>();
    if (proved < last || proved - job->from >= light::max_batch_headers)
      return job->done(fail(ErrorCode::unavailable, "the node proves block " + std::to_string(proved) + " final where " + std::to_string(last) + " or a little later was asked for"));
    if (proved > last) {
      job->to = static_cast<BlockNumber>(proved);
      job->must_reach = true;
      return ask_messages(job);
    }
    auto proof = bytes_of_hex((*answer)["proof"]);
    if (!proof) return job->done(fail(std::move(proof.error()).in("finality proof")));
    Chunk chunk{job->from, last, 0};
    for (const auto* part : {&job->headers, &job->messages})
      for (const auto& bytes : *part) chunk.bytes += bytes.size();
    kept_.push_back({chunk, std::move(job->headers), std::move(job->messages), std::move(*proof)});
    job->done(chunk);
  });
}

void Blocks::forget(const Chunk& chunk) {
  const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.chunk == chunk; });
  if (at != kept_.end()) kept_.erase(at);
}

Result<Bytes> Blocks::batch(BlockNumber from, BlockNumber to) const {
  Bytes headers, messages;
  const Kept* last = nullptr;
  for (BlockNumber next = from; next <= to && next >= from; next = last->chunk.to + 1) {
    last = nullptr;
    for (const Kept& kept : kept_)
      if (kept.chunk.from <= next && next <= kept.chunk.to && kept.chunk.to <= to && (!last || kept.chunk.to > last->chunk.to)) last = &kept;
    if (!last) return fail(ErrorCode::not_found, "blocks " + std::to_string(next) + " to " + std::to_string(to) + " are not at hand");
    for (size_t i = next - last->chunk.from; i < last->headers.size(); ++i) {
      append(headers, last->headers[i]);
      append(messages, last->messages[i]);
    }
  }
  if (!last) return fail(ErrorCode::not_found, "an empty range of blocks");
  Bytes out;
  scale::encode_compact(out, to - from + 1);
  append(out, headers);
  append(out, last->proof);
  scale::encode_compact(out, to - from + 1);
  append(out, messages);
  return out;
}

}  // namespace phala::relay
