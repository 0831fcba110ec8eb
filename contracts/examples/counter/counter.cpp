#include "counter.hpp"

namespace counter {

Result<u32, Error> Counter::operator()(const Add& call) {
  if (__builtin_add_overflow(value, call.by, &value)) return fail(Error::TooLarge);
  added_by.put(caller(), added_by.get(caller()).value_or(0) + call.by);
  emit(*this, Added{caller(), call.by});
  return value;
}

}  // namespace counter

PHALA_CONTRACT(counter::Counter)
