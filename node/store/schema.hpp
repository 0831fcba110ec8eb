#pragma once
// Why: what lies where in the database (docs/adr/0003-store-schema.md). Only this file knows. Internal to node/store.

#include <optional>

#include "primitives/header.hpp"
#include "rocksdb/kv_store.hpp"

namespace phala::store::schema {

/// Raise it with every change of layout that an older program would misread.
constexpr u32 version = 1;

enum : Column { meta, state, nodes, undo, journal, blocks, bodies, messages };
KvStore::Options kv_options(size_t cache_bytes);

/// Rows of `meta`.
constexpr std::string_view version_row = "version", genesis_row = "genesis", archive_row = "archive", head_row = "head";

/// A state key in a form that no other key's form starts with, in the same order: 00 becomes 00 ff, and 00 01 ends it.
Bytes escaped(ByteView key);
/// Nothing when the form is wrong.
std::optional<Bytes> unescaped(ByteView form);

/// Versions of one key, the newest first: form ‖ big-endian complement of the block.
constexpr size_t version_bytes = 4;
Bytes with_version(ByteView form, BlockNumber block);
/// Splits a row's key; nothing when it is too short.
struct Versioned {
  ByteView form;
  BlockNumber block;
};
std::optional<Versioned> split_version(ByteView row);
/// Past all versions of a key, before the next key.
Bytes after_versions(ByteView form);

/// A value of `state`: a mark, then the value. Nothing: deleted.
Bytes stored_value(const std::optional<Bytes>& value);
/// The inner optional says whether there is a value; the outer is nothing when the mark is unknown.
std::optional<std::optional<Bytes>> value_of(ByteView stored);

/// A node's place (see trie::NodeSource): number of nibbles as u16 BE, then the nibbles packed. No place is the start of another.
Bytes place(ByteView path);
/// `undo`: place ‖ big-endian number of the block that changed it → the node before (empty: there was none).
Bytes undo_key(ByteView place, BlockNumber changed_in);

inline Bytes number_key(BlockNumber number) { return to_bytes(be_bytes(number)); }
/// Rows of `journal`: what a block touched, so that it can be pruned. SCALE list of forms, and of places.
Bytes journal_key(char kind, BlockNumber number);
constexpr char state_journal = 's', node_journal = 'n';
/// Rows of `blocks`, `bodies` and `messages`: a kind, then the number (or the hash).
Bytes block_key(char kind, BlockNumber number);
Bytes hash_key(const Hash& hash);
constexpr char header_kind = 'h', justification_kind = 'j', leaves_kind = 'l', payloads_kind = 'p';

}  // namespace phala::store::schema
