#pragma once
// Why: people type `42`, `true`, `hello`, `{"a":1}` or `@code.wasm`; what that means is decided by the type that metadata gives, so that a
// text argument may be `42` and an amount may have 128 bits.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "metadata/value.hpp"

namespace phala::cli {

/// JSON for metadata::encode. Texts and bytes as they are, or quoted as JSON; bytes also as 0x-hex; numbers in decimal; `null` is an absent
/// Option; a struct, tuple or list is JSON, in which numbers of any size are exact. Errors: JSON is needed and this is none.
Result<nlohmann::json> value_from_text(const metadata::Types& types, u32 type, std::string_view text);
/// One per type, in order. `@FILE` stands for the file's content: whatever it holds for bytes (unless it is 0x-hex), its text without the last
/// line break for anything else. More texts than types are passed on, so that the codec can say how many it takes.
Result<nlohmann::json> values_from_texts(const metadata::Types& types, std::span<const u32> wanted, const std::vector<std::string>& texts);

/// JSON whose numbers of more than 64 bits stay exact, as decimal texts. Nothing: not JSON.
std::optional<nlohmann::json> exact_json(std::string_view text);

}  // namespace phala::cli
