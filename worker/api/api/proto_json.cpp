#include "api/proto_json.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>

namespace phala::worker {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::json;

constexpr int max_depth = 16;

json bytes_json(const std::string& bytes) {
  json out = json::array();
  out.get_ref<json::array_t&>().reserve(bytes.size());
  for (const char c : bytes) out.push_back(static_cast<unsigned char>(c));
  return out;
}

json message_json(const Message& message);

/// One value: element `index` of a repeated field, or the field itself when negative.
json value_json(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: return one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index);
    case FieldDescriptor::CPPTYPE_INT32: return one ? r.GetInt32(message, &field) : r.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT32: return one ? r.GetUInt32(message, &field) : r.GetRepeatedUInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT64: return one ? r.GetUInt64(message, &field) : r.GetRepeatedUInt64(message, &field, index);
    case FieldDescriptor::CPPTYPE_ENUM: return one ? r.GetEnumValue(message, &field) : r.GetRepeatedEnumValue(message, &field, index);
    case FieldDescriptor::CPPTYPE_MESSAGE: return message_json(one ? r.GetMessage(message, &field) : r.GetRepeatedMessage(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
      return field.type() == FieldDescriptor::TYPE_BYTES ? bytes_json(text) : json(text);
    }
    default: return nullptr;   // the interface has no other types
  }
}

json message_json(const Message& message) {
  const auto& type = *message.GetDescriptor();
  const Reflection& r = *message.GetReflection();
  json out = json::object();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    json& value = out[field.name()];
    if (field.is_repeated()) {
      value = json::array();
      for (int n = 0; n < r.FieldSize(message, &field); ++n) value.push_back(value_json(message, field, n));
    } else if (!field.has_presence() || r.HasField(message, &field)) {
      value = value_json(message, field, -1);
    }
  }
  return out;
}

auto wrong(const FieldDescriptor& field, const char* wanted) { return fail(ErrorCode::invalid_input, "'" + field.name() + "' must be " + wanted); }

Result<> fill(const json& object, Message& message, int depth);

Result<> take_value(const json& value, Message& message, const FieldDescriptor& field, int depth) {
  const Reflection& r = *message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!value.is_boolean()) return wrong(field, "true or false");
      many ? r.AddBool(&message, &field, value.get<bool>()) : r.SetBool(&message, &field, value.get<bool>());
      return {};
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_ENUM: {
      if (!value.is_number_integer() || value < INT32_MIN || value > INT32_MAX) return wrong(field, "a whole number of 32 bits");
      const int number = value.get<int>();
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) many ? r.AddEnumValue(&message, &field, number) : r.SetEnumValue(&message, &field, number);
      else many ? r.AddInt32(&message, &field, number) : r.SetInt32(&message, &field, number);
      return {};
    }
    case FieldDescriptor::CPPTYPE_UINT32:
      if (!value.is_number_unsigned() || value > UINT32_MAX) return wrong(field, "a whole number of 32 bits, not negative");
      many ? r.AddUInt32(&message, &field, value.get<uint32_t>()) : r.SetUInt32(&message, &field, value.get<uint32_t>());
      return {};
    case FieldDescriptor::CPPTYPE_UINT64:
      if (!value.is_number_unsigned()) return wrong(field, "a whole number, not negative");
      many ? r.AddUInt64(&message, &field, value.get<uint64_t>()) : r.SetUInt64(&message, &field, value.get<uint64_t>());
      return {};
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return fill(value, many ? *r.AddMessage(&message, &field) : *r.MutableMessage(&message, &field), depth + 1);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text;
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        if (!value.is_array()) return wrong(field, "a list of bytes");
        text.reserve(value.size());
        for (const auto& item : value) {
          if (!item.is_number_unsigned() || item > 255) return wrong(field, "a list of bytes");
          text.push_back(static_cast<char>(item.get<unsigned>()));
        }
      } else {
        if (!value.is_string()) return wrong(field, "a text");
        text = value.get<std::string>();
      }
      many ? r.AddString(&message, &field, text) : r.SetString(&message, &field, text);
      return {};
    }
    default: return wrong(field, "of a type this interface has");
  }
}

Result<> fill(const json& object, Message& message, int depth) {
  if (depth > max_depth) return fail(ErrorCode::invalid_input, "nested deeper than " + std::to_string(max_depth) + " levels");
  if (!object.is_object()) return fail(ErrorCode::invalid_input, "expected an object for " + message.GetDescriptor()->name());
  for (const auto& [name, value] : object.items()) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || value.is_null()) continue;
    if (!field->is_repeated()) {
      if (auto taken = take_value(value, message, *field, depth); !taken) return taken;
      continue;
    }
    if (!value.is_array()) return wrong(*field, "a list");
    for (const auto& item : value)
      if (auto taken = take_value(item, message, *field, depth); !taken) return taken;
  }
  return {};
}

}  // namespace

std::string to_json(const Message& message) { return message_json(message).dump(-1, ' ', false, json::error_handler_t::replace); }

Result<> from_json(std::string_view text, Message& message) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return {};
  const json object = json::parse(text, nullptr, false);
  if (object.is_discarded()) return fail(ErrorCode::invalid_input, "the body is not JSON");
  return fill(object, message, 0);
}

}  // namespace phala::worker
