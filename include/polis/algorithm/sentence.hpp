// How an algorithm is a sentence: a list of words, one a slot, re-composed by naming only what changes.
//
// `With` picks slots by the kind that each word declares (`using word = word::Returns;`) and constrains
// nothing; what a composition needs is checked in one place, on Trainer, so that an error stands in the
// user's line.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

/// Words by their places in a list, and the one at a place. Sentences look up some twenty slots each: by a
/// place that is counted, not by a class for every word that is passed over, since compilers pay for each
/// class.
template <int place, class W>
struct Placed {
  using type = W;
};
template <class Places, class... Words>
struct PlacedWords;
template <int... places, class... Words>
struct PlacedWords<std::integer_sequence<int, places...>, Words...> : Placed<places, Words>... {};
template <int place, class W>
Placed<place, W> placed(const Placed<place, W>*);

/// The place of the last of `Words` of the given kind; -1 where there is none.
template <class Kind, class... Words>
constexpr int last_place() {
  int last = -1, place = 0;
  ((last = std::is_same_v<kind_of<Words>, Kind> ? place : last, ++place), ...);
  return last;
}

template <int place, class Default, class... Words>
struct WordAt
    : decltype(placed<place>(
          static_cast<PlacedWords<std::make_integer_sequence<int, sizeof...(Words)>, Words...>*>(nullptr))) {
};
template <class Default, class... Words>
struct WordAt<-1, Default, Words...> : Placed<-1, Default> {};

/// The last of `Words` of the given kind; `Default` where there is none.
template <class Kind, class Default, class... Words>
using LastOfKind = WordAt<last_place<Kind, Words...>(), Default, Words...>;

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
