#pragma once
// Why: the worker's interface also speaks JSON, in the shape its users know: snake_case names, bytes as lists of numbers, enums and all
// integers as numbers, absent messages and optional values as null. protobuf's own JSON differs in each of these.

#include <string>

#include "base/result.hpp"

namespace google::protobuf {
class Message;
}

namespace phala::worker {

std::string to_json(const google::protobuf::Message& message);
/// Fills `message` from an object (nothing at all counts as an empty one); unknown members are ignored. Errors name the member.
Result<> from_json(std::string_view text, google::protobuf::Message& message);

}  // namespace phala::worker
