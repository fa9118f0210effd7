// SPDX-License-Identifier: Apache-2.0
// How the public values are described: describe(field, value) calls field("key", value.member) for each of
// its members, in the order in which people read them. One description serves whoever writes a value (then it
// is const) and whoever reads one. Here: what a member can be shown as besides what it is.
#pragma once

#include <concepts>
#include <type_traits>

namespace boxlite::model {

// Constrains `auto& value` to one type, const or not.
template <typename Value, typename Type>
concept Of = std::same_as<std::remove_const_t<Value>, Type>;

// Nothing (null) when it is empty: a text, a path or a time that says that there is none.
template <typename Value>
struct OrNull {
  Value& value;
};

// A duration as seconds with a fraction.
template <typename Duration>
struct InSeconds {
  Duration& duration;
};

// A protocol as the answer to "is it UDP?", as homes hold it.
template <typename Protocol>
struct IsUdp {
  Protocol& protocol;
};

// An enum whose default is a safe answer to a word that only a newer version knows.
template <typename Enum>
struct KnownWord {
  Enum& value;
};

// Pairs of texts as an object; the first ones are UTF-8. Of two pairs with one key the last one counts.
template <typename Pairs>
struct AsObject {
  Pairs& pairs;
};

}  // namespace boxlite::model
