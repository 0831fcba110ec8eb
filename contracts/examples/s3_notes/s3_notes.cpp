#include "s3_notes.hpp"

#include <algorithm>

namespace s3_notes {
namespace {

/// Everything of one account: its key exists only in this contract, and only its cluster can make it.
class Drawer {
 public:
  Drawer(s3::Bucket bucket, const AccountId& account) : bucket_(std::move(bucket)) {
    const Bytes secret = pink::derive_sr25519_key(as_bytes("s3_notes"));
    const auto of_account = crypto::hmac_sha256(secret, account);
    names_ = crypto::hmac_sha256(of_account, as_bytes("names"));
    seal_ = crypto::hmac_sha256(of_account, as_bytes("contents"));
    folder_ = to_hex(crypto::hmac_sha256(names_, as_bytes("folder")));
  }

  struct Found {
    std::optional<Bytes> content;   ///< nothing: there is no such object
    std::string etag;
  };
  Result<Found, Error> read(std::string_view name) const {
    const auto answer = s3::send(bucket_, "GET", object(name));
    if (answer.status_code == 404) return Found{};
    TRY(check(answer.status_code, 200));
    if (answer.body.size() < nonce_size) return fail(Error::Damaged);
    crypto::Nonce nonce;
    std::copy_n(answer.body.begin(), nonce_size, nonce.begin());
    const std::string place = object(name);
    auto content = crypto::open(seal_, nonce, ByteView(answer.body).subspan(nonce_size), as_bytes(place));
    if (!content) return fail(Error::Damaged);
    return Found{std::move(content), etag_of(answer)};
  }
  /// `condition`: a header that makes the service refuse when somebody else was faster.
  Result<void, Error> write(std::string_view name, ByteView content, s3::Headers condition = {}) const {
    const Bytes random = pink::random_bytes(nonce_size);
    if (random.size() != nonce_size) return fail(Error::Unreachable);   // a transaction
    crypto::Nonce nonce;
    std::copy(random.begin(), random.end(), nonce.begin());
    const std::string place = object(name);
    const auto answer = s3::send(bucket_, "PUT", place, concat(nonce, crypto::seal(seal_, nonce, content, as_bytes(place))), std::move(condition));
    return check(answer.status_code, 200);
  }
  Result<void, Error> remove(std::string_view name) const {
    const auto answer = s3::send(bucket_, "DELETE", object(name));
    return check(answer.status_code == 404 ? 204 : answer.status_code, 204);
  }

  // ---- the list of names, an object like the others, whose name no note can have
  struct Index {
    std::vector<std::string> names;   ///< ascending
    std::string etag;                 ///< empty: there is none yet
  };
  Result<Index, Error> index() const {
    auto found = TRY(read({}));
    if (!found.content) return Index{};
    auto names = scale::decode<std::vector<std::string>>(*found.content);
    if (!names) return fail(Error::Damaged);
    return Index{std::move(*names), std::move(found.etag)};
  }
  Result<void, Error> store(const Index& index) const {
    const bool first = index.etag.empty();
    return write({}, scale::encode(index.names), {first ? std::pair<std::string, std::string>("if-none-match", "*") : std::pair<std::string, std::string>("if-match", index.etag)});
  }

 private:
  static constexpr size_t nonce_size = std::tuple_size_v<crypto::Nonce>;

  std::string object(std::string_view name) const { return folder_ + '/' + to_hex(crypto::hmac_sha256(names_, as_bytes("note/" + std::string(name)))); }
  static std::string etag_of(const pink::HttpResponse& answer) {
    for (const auto& [name, value] : answer.headers)
      if (name.size() == 4 && std::equal(name.begin(), name.end(), "etag", [](char a, char b) { return (a | 0x20) == b; })) return value;
    return {};
  }
  static Result<void, Error> check(u16 status, u16 wanted) {
    if (status == wanted) return {};
    if (status == 523 || status == 524) return fail(Error::Unreachable);
    return fail(status == 409 || status == 412 ? Error::Conflict : Error::Refused);
  }

  s3::Bucket bucket_;
  crypto::Key names_, seal_;
  std::string folder_;
};

Result<Drawer, Error> drawer_of(const Lazy<s3::Bucket>& bucket) {
  auto set = bucket.get();
  if (!set) return fail(Error::NoBucket);
  return Drawer(std::move(*set), caller());
}

Result<void, Error> check_name(std::string_view name) {
  if (name.empty() || name.size() > max_name_bytes) return fail(Error::TooLong);
  return {};
}

}  // namespace

Result<void, Error> S3Notes::operator()(const SetBucket& call) {
  if (caller() != owner) return fail(Error::NotTheOwner);
  if (!s3::is_usable(call.bucket)) return fail(Error::BadBucket);
  bucket.put(call.bucket);
  return {};
}

Result<void, Error> S3Notes::operator()(const Put& call) const {
  if (call.text.size() > max_note_bytes) return fail(Error::TooLong);
  TRY(check_name(call.name));
  const auto drawer = TRY(drawer_of(bucket));
  auto index = TRY(drawer.index());
  const auto at = std::lower_bound(index.names.begin(), index.names.end(), call.name);
  const bool known = at != index.names.end() && *at == call.name;
  if (!known && index.names.size() == max_notes) return fail(Error::TooMany);
  // the note first: a list that names a note which is not there would be worse than a note that no list names
  TRY(drawer.write(call.name, as_bytes(call.text)));
  if (known) return {};
  index.names.insert(at, call.name);
  return drawer.store(index);
}

Result<std::optional<std::string>, Error> S3Notes::operator()(const Get& call) const {
  TRY(check_name(call.name));
  const auto drawer = TRY(drawer_of(bucket));
  const auto found = TRY(drawer.read(call.name));
  if (!found.content) return std::optional<std::string>();
  return std::optional(std::string(as_text(*found.content)));
}

Result<void, Error> S3Notes::operator()(const Remove& call) const {
  TRY(check_name(call.name));
  const auto drawer = TRY(drawer_of(bucket));
  auto index = TRY(drawer.index());
  const auto at = std::lower_bound(index.names.begin(), index.names.end(), call.name);
  if (at == index.names.end() || *at != call.name) return {};
  index.names.erase(at);
  TRY(drawer.store(index));
  return drawer.remove(call.name);
}

Result<std::vector<std::string>, Error> S3Notes::operator()(const List_&) const { return TRY(TRY(drawer_of(bucket)).index()).names; }

}  // namespace s3_notes

PHALA_CONTRACT(s3_notes::S3Notes)
