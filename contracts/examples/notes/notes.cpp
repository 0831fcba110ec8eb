#include "notes.hpp"

namespace notes {

Result<void, Error> Notes::operator()(const Write& call) {
  if (call.text.size() > max_note_bytes) return fail(Error::TooLong);
  notes.put(caller(), call.text);
  ++written;
  return {};
}

std::optional<std::string> Notes::operator()(const Read&) const { return notes.get(caller()); }

std::string Notes::operator()(const Echo& call) const {
  std::string out = call.text;
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

}  // namespace notes

PHALA_CONTRACT(notes::Notes)
