// Text for HTML: escaped names, and numbers as a reader of plots wants them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace polis::internal {

/// The text with what HTML takes for markup replaced, safe in elements and in quoted attributes.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  }
  return safe;
}

/// How the numbers of an axis, a tile or a column are written.
enum class NumberStyle {
  plain,    ///< 0.00314, 12.5
  ratio,    ///< two digits after the point
  count,    ///< 950, 12.3k, 4.56M
  percent,  ///< of a share: .125 is 12.5%
  change,   ///< a percentage with its sign: +12.5%
};

/// printf of one number, with a true minus sign.
inline std::string printed(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  std::string result = text.data();
  const auto minus = result.find('-');
  if (minus == 0) result.replace(0, 1, "−");
  return result;
}

/// A number with so many digits after the point.
inline std::string fixed(double value, int decimals) {
  std::array<char, 16> format{};
  std::snprintf(format.data(), format.size(), "%%.%df", std::clamp(decimals, 0, 12));
  const std::string text = printed(format.data(), value);
  constexpr std::string_view minus = "−";
  const bool is_zero = text.find_first_not_of("−0.") == text.npos;
  return is_zero && text.compare(0, minus.size(), minus) == 0 ? text.substr(minus.size()) : text;
}

/// Digits after the point that multiples of `step` need.
inline int decimals_of(double step) {
  return step > 0 ? std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12) : 0;
}

/// A multiple of `step` on an axis, in the style and with no more digits than tell it from its neighbours.
inline std::string tick_text(double value, double step, NumberStyle style) {
  const double size = std::fabs(value);
  if (style == NumberStyle::percent || style == NumberStyle::change) {
    const std::string sign = style == NumberStyle::change && value > step / 2 ? "+" : "";
    return sign + fixed(100 * value, decimals_of(100 * step)) + '%';
  }
  if (size < step / 2) return "0";
  for (const auto& [unit, name] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    const bool large = style == NumberStyle::count ? size >= unit * .9999 : size >= 10 * unit;
    if (large) return fixed(value / unit, decimals_of(step / unit)) + name;
  }
  if (size < 1e-3) return printed("%.3g", value);
  return fixed(value, decimals_of(step));
}

/// A number standing alone, with three or four digits that count. Not a number: a dash.
inline std::string number(double value, NumberStyle style = NumberStyle::plain) {
  if (!std::isfinite(value)) return std::isnan(value) ? "–" : value > 0 ? "∞" : "−∞";
  const double size = std::fabs(value);
  switch (style) {
    case NumberStyle::percent:
      return fixed(100 * value, size < .00995 ? 2 : 1) + '%';
    case NumberStyle::change:
      return (value > 0 ? "+" : "") + fixed(100 * value, 1) + '%';
    case NumberStyle::count:
      if (size < 1e3) return fixed(value, size == std::floor(size) ? 0 : 1);
      if (size < 1e6) return fixed(value / 1e3, size < 1e5 ? 1 : 0) + 'k';
      return fixed(value / 1e6, size < 1e8 ? 2 : 1) + 'M';
    case NumberStyle::ratio:
      return fixed(value, 2);
    case NumberStyle::plain:
      break;
  }
  if (size == 0) return "0";
  if (size >= 1e6) return number(value, NumberStyle::count);
  if (size > 0 && size < 1e-3) return printed("%.2e", value);
  return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

/// 42 s, 3 min 7 s, 1 h 2 min.
inline std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 10) return fixed(seconds, 1) + " s";
  const auto total = static_cast<long>(std::lround(seconds));
  const auto text = [](long n, const char* unit) { return std::to_string(n) + unit; };
  if (total < 60) return text(total, " s");
  if (total < 3600)
    return text(total / 60, " min") + (total % 60 ? text(total % 60, " s").insert(0, " ") : "");
  return text(total / 3600, " h ") + text(total / 60 % 60, " min");
}

/// "clip_fraction" as a reader's heading: "Clip fraction".
inline std::string heading(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c == '_' || c == '.' ? ' ' : c;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (const auto kl = text.rfind(" kl"); kl != text.npos && kl + 3 == text.size()) text.replace(kl, 3, " KL");
  return text;
}

}  // namespace polis::internal
