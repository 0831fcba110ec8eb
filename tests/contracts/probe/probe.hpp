#pragma once
// One message per thing the SDK can do that the shipped contracts do not.

#include "phala/contract.hpp"
#include "phala/pink.hpp"

namespace probe {

using namespace phala;
using namespace phala::sdk;

struct Facts {
  AccountId caller, address;
  Balance value{}, balance{}, minimum{};
  BlockNumber block{};
  Timestamp now{};
  bool from_origin{}, is_contract{}, self_is_contract{};
  Hash own_code;
  bool gas_left{};
  FIELDS(caller, address, value, balance, minimum, block, now, from_origin, is_contract, self_is_contract, own_code, gas_left)
};
struct Digests {
  Hash sha2, keccak, blake;
  std::array<u8, 16> blake_128{};
  FIELDS(sha2, keccak, blake, blake_128)
};
using Eth = Result<std::array<u8, 20>, u8>;

struct Probe {
  std::string name;
  Lazy<Bytes> blob;
  Map<std::pair<u32, std::string>, std::vector<u64>> table;
  FIELDS(name, blob, table)

  struct New { std::string name;  FIELDS(name)  static constexpr Constructor constructor = Constructor("new").payable(); };
  struct Refusing { FIELDS()  static constexpr Constructor constructor = Constructor("refusing"); };

  struct Name { FIELDS()  using Returns = std::string;  static constexpr Message message = Message("name"); };
  struct Rename { std::string name;  FIELDS(name)  using Returns = void;  static constexpr Message message = Message("rename"); };
  struct Tell { AccountId other;  FIELDS(other)  using Returns = Facts;  static constexpr Message message = Message("tell").payable(); };
  struct Digest { Bytes data;  FIELDS(data)  using Returns = Digests;  static constexpr Message message = Message("digest"); };
  struct Recover { std::array<u8, 65> signature{}; Hash hash;  FIELDS(signature, hash)  using Returns = Eth;  static constexpr Message message = Message("recover"); };
  struct PutBlob { Bytes blob;  FIELDS(blob)  using Returns = void;  static constexpr Message message = Message("put_blob").mutating(); };
  struct GetBlob { FIELDS()  using Returns = std::optional<Bytes>;  static constexpr Message message = Message("get_blob"); };
  struct PutRow { u32 a{}; std::string b; std::vector<u64> row;  FIELDS(a, b, row)  using Returns = void;  static constexpr Message message = Message("put_row"); };
  struct TakeRow { u32 a{}; std::string b;  FIELDS(a, b)  using Returns = std::optional<std::vector<u64>>;  static constexpr Message message = Message("take_row"); };
  struct Send { AccountId to; Balance amount{};  FIELDS(to, amount)  using Returns = Result<void, u8>;  static constexpr Message message = Message("send").mutating(); };
  struct End { AccountId heir;  FIELDS(heir)  using Returns = void;  static constexpr Message message = Message("end"); };
  struct Make { Hash code; std::string name; Bytes salt;  FIELDS(code, name, salt)  using Returns = Result<AccountId, u8>;  static constexpr Message message = Message("make").mutating(); };
  struct MakeRefusing { Hash code;  FIELDS(code)  using Returns = Result<AccountId, u8>;  static constexpr Message message = Message("make_refusing").mutating(); };
  struct NameOf { AccountId other;  FIELDS(other)  using Returns = Result<std::string, u8>;  static constexpr Message message = Message("name_of"); };
  struct NameThrough { Hash code;  FIELDS(code)  using Returns = Result<std::string, u8>;  static constexpr Message message = Message("name_through"); };
  struct Keys { Bytes salt;  FIELDS(salt)  using Returns = std::tuple<Bytes, Bytes, bool>;  static constexpr Message message = Message("keys"); };
  struct World { FIELDS()  using Returns = std::tuple<bool, AccountId, PublicKey, std::pair<u32, u32>>;  static constexpr Message message = Message("world"); };
  struct Allocate { u32 blocks{}; u32 size{};  FIELDS(blocks, size)  using Returns = u64;  static constexpr Message message = Message("allocate"); };

  using Constructors = List<New, Refusing>;
  using Messages = List<Name, Rename, Tell, Digest, Recover, PutBlob, GetBlob, PutRow, TakeRow, Send, End, Make, MakeRefusing, NameOf, NameThrough,
                        Keys, World, Allocate>;
  using Events = List<>;

  void operator()(const New& call) { name = call.name; }
  Result<void, u8> operator()(const Refusing&) { return fail(u8{7}); }
  std::string operator()(const Name&) const { return name; }
  void operator()(const Rename& call) { name = call.name; }
  Facts operator()(const Tell&) const;
  Digests operator()(const Digest&) const;
  Eth operator()(const Recover&) const;
  void operator()(const PutBlob& call) { blob.put(call.blob); }
  std::optional<Bytes> operator()(const GetBlob&) const { return blob.get(); }
  void operator()(const PutRow& call) { table.put({call.a, call.b}, call.row); }
  std::optional<std::vector<u64>> operator()(const TakeRow&);
  Result<void, u8> operator()(const Send&) const;
  void operator()(const End& call) { terminate(call.heir); }
  Result<AccountId, u8> operator()(const Make&) const;
  Result<AccountId, u8> operator()(const MakeRefusing&) const;
  Result<std::string, u8> operator()(const NameOf&) const;
  Result<std::string, u8> operator()(const NameThrough&) const;
  std::tuple<Bytes, Bytes, bool> operator()(const Keys&) const;
  std::tuple<bool, AccountId, PublicKey, std::pair<u32, u32>> operator()(const World&) const;
  u64 operator()(const Allocate&) const;
};

}  // namespace probe
