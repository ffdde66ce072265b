// How an algorithm is a sentence: a list of words, one a slot, re-composed by naming only what changes.
//
// `With` picks slots by the kind that each word declares (`using word = word::Returns;`) and constrains
// nothing; what a composition needs is checked in one place, on Trainer, so that an error stands in the
// user's line.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include <polis/core/word.hpp>

namespace polis {

/// A word of a sentence: a type that says which slot it fills.
template <class W>
concept Word = requires { typename W::word; };

namespace internal {

/// A list of types.
template <class... T>
struct List {};

/// The kind that a word declares; NoWord for a type that declares none, which no slot takes.
struct NoWord {};
template <class W>
struct KindOf {
  using type = NoWord;
};
template <Word W>
struct KindOf<W> {
  using type = typename W::word;
};
template <class W>
using kind_of = typename KindOf<W>::type;

/// The last of `Words` of the given kind; `Default` where there is none.
template <class Kind, class Default, class... Words>
struct LastOfKind {
  using type = Default;
};
template <class Kind, class Default, class First, class... Rest>
struct LastOfKind<Kind, Default, First, Rest...>
    : LastOfKind<Kind, std::conditional_t<std::is_same_v<kind_of<First>, Kind>, First, Default>, Rest...> {};

template <class Kind, class... Words>
inline constexpr bool has_kind = (std::is_same_v<kind_of<Words>, Kind> || ... || false);

/// Appends to `Sentence` those of `New` whose kind is not among `Old`.
template <template <class...> class Sentence, class Done, class Old, class... New>
struct Append;
template <template <class...> class Sentence, class... Done, class Old>
struct Append<Sentence, List<Done...>, Old> {
  using type = Sentence<Done...>;
};
template <template <class...> class Sentence, class... Done, class... Old, class First, class... Rest>
struct Append<Sentence, List<Done...>, List<Old...>, First, Rest...>
    : std::conditional_t<has_kind<kind_of<First>, Old...>,
                         Append<Sentence, List<Done...>, List<Old...>, Rest...>,
                         Append<Sentence, List<Done..., First>, List<Old..., First>, Rest...>> {};

/// The sentence `Sentence<Old...>` with the words `New` in their slots.
template <template <class...> class Sentence, class Old, class... New>
struct Rewrite;
template <template <class...> class Sentence, class... Old, class... New>
struct Rewrite<Sentence, List<Old...>, New...>
    : Append<Sentence, List<typename LastOfKind<kind_of<Old>, Old, New...>::type...>, List<Old...>, New...> {
};

/// The word in the slot of a kind; void where the sentence has no such slot.
template <class Kind, class... Words>
using slot = typename LastOfKind<Kind, void, Words...>::type;

constexpr std::string_view raw_type_name(std::string_view function) {
  const auto from = function.find("T = ") + 4;
  auto to = function.find_first_of(";]", from);
  int depth = 0;  // a ']' or ';' may stand inside the name itself
  for (auto i = from; i < function.size(); ++i) {
    if (function[i] == '[' || function[i] == '<' || function[i] == '(') ++depth;
    if (function[i] == '>' || function[i] == ')') --depth;
    if (depth == 0 && (function[i] == ';' || function[i] == ']')) {
      to = i;
      break;
    }
    if (function[i] == ']') --depth;
  }
  return function.substr(from, to - from);
}

[[gnu::cold, gnu::noinline]] inline std::string readable_type_name(std::string_view function) {
  std::string name(raw_type_name(function));
  for (const std::string_view unwanted : {"polis::", " "}) {
    for (auto at = name.find(unwanted); at != std::string::npos; at = name.find(unwanted, at)) {
      name.erase(at, unwanted.size());
    }
  }
  return name;
}

}  // namespace internal

/// The name of a type as a reader writes it: without the library's namespace and without blanks.
template <class T>
std::string type_name() {
#if defined(__GNUC__)
  return internal::readable_type_name(__PRETTY_FUNCTION__);
#else
  return "unknown";
#endif
}

}  // namespace polis
