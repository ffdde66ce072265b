// The one exception type of polis (contract 6): says what went wrong, where, and what was expected.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <polis/core/text.hpp>

namespace polis {

/// Thrown for bad input: a malformed file, an unknown key, a torn checkpoint, a NaN in a gradient.
/// `what()` reads "<where>: <what>; expected <expected>", leaving out the parts that are empty.
class Error : public std::runtime_error {
 public:
  [[gnu::cold, gnu::noinline]] Error(std::string what, std::string where = {}, std::string expected = {})
      : std::runtime_error(compose(what, where, expected)),
        problem_(std::move(what)),
        where_(std::move(where)),
        expected_(std::move(expected)) {}

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] const std::string& expected() const noexcept { return expected_; }

 private:
  [[gnu::cold]] static std::string compose(const std::string& what, const std::string& where,
                                           const std::string& expected) {
    return concat({where, where.empty() ? "" : ": ", what, expected.empty() ? "" : "; expected ", expected});
  }

  std::string problem_, where_, expected_;
};

}  // namespace polis
