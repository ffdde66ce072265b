// Sinks of a run's metrics: a progress bar, CSV files and JSON lines. Contract 8: beside, not inside.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/train/metrics.hpp>

namespace polis {

namespace internal {

/// The shortest text that reads back as the same number; empty for NaN and infinities, which CSV and JSON
/// lack.
inline std::string number_text(double value) {
  if (!std::isfinite(value)) return {};
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

/// 950, 12.3k, 4.56M.
inline std::string short_count(double value) {
  std::array<char, 32> text{};
  const char* format = value < 1e3 ? "%.0f" : value < 1e6 ? "%.1fk" : "%.2fM";
  const double scaled = value < 1e3 ? value : value < 1e6 ? value / 1e3 : value / 1e6;
  std::snprintf(text.data(), text.size(), format, scaled);
  return text.data();
}

/// 42 s, 3:07, 1:02:45.
inline std::string short_time(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const long total = std::lround(seconds);
  std::array<char, 32> text{};
  if (total < 60) {
    std::snprintf(text.data(), text.size(), "%ld s", total);
  } else if (total < 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", total / 60, total % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  }
  return text.data();
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

inline File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (!file) throw Error("cannot be opened for writing", path, "a path in a folder that exists");
  return file;
}

/// Writes a line and flushes it, so that a killed run leaves whole lines. Error: the disk is full.
inline void write_line(std::FILE* file, const std::string& line, const std::string& path) {
  const bool written =
      std::fwrite(line.data(), 1, line.size(), file) == line.size() && std::fflush(file) == 0;
  if (!written) throw Error("a line could not be written", path, "space on the disk");
}

/// Cuts a log off before the first whole line of which `is_later(line)`, and drops a line that a kill left
/// torn. A run that goes on from a checkpoint writes the rows after it anew: without the cut they would stand
/// twice. Nothing happens where there is no file. Error: the file cannot be read or shortened.
template <class IsLater>
void rewind_log(const std::string& path, IsLater&& is_later) {
  const File file(std::fopen(path.c_str(), "r+"));
  if (!file && errno == ENOENT) return;
  if (!file) throw Error(concat({"cannot be opened for writing: ", std::strerror(errno)}), path);
  std::string line;
  long kept = 0;
  for (int c; (c = std::getc(file.get())) != EOF;) {
    line += static_cast<char>(c);
    if (c != '\n') continue;
    if (is_later(line)) break;
    kept += static_cast<long>(line.size());
    line.clear();
  }
  if (std::ferror(file.get()) != 0 || ftruncate(fileno(file.get()), kept) != 0) {
    throw Error(concat({"cannot be shortened to the checkpoint: ", std::strerror(errno)}), path);
  }
}

/// The number at the start of `text`; 0 where there is none.
inline std::uint64_t leading_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace internal

/// A bar with speed, return, stage and time left on a terminal; elsewhere a plain line now and then.
class ProgressBar : public Sink {
 public:
  /// `plain_seconds`: least time between plain lines.
  explicit ProgressBar(std::FILE* to = stderr, double plain_seconds = 5)
      : to_(to), terminal_(isatty(fileno(to)) == 1), plain_seconds_(plain_seconds) {}

  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() override { close(); }  // an Error's message does not begin on the bar's line

  void open(const RunInfo& info) override {
    start_ = last_ = Clock::now();
    first_step_ = info.resumed_at;
    drawn_ = false;
  }
  void row(const MetricsRow& row) override {
    if (row.kind == MetricsRow::Kind::evaluation) {
      message(concat({"evaluation at step ", row.step, ": return ", figure(row["return"])}));
      return;
    }
    const bool finished = row.step >= row.planned;
    const double since = seconds(last_);
    if (!finished && drawn_ && since < (terminal_ ? .1 : plain_seconds_)) return;
    last_ = Clock::now();
    const std::string text = line(row);
    std::fprintf(to_, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
    std::fflush(to_);
    drawn_ = true;
  }
  void message(std::string_view text) override {
    if (text.substr(0, 6) == "saved ") return;  // each checkpoint would be a line
    std::fprintf(to_, terminal_ ? "\r\033[K%.*s\n" : "%.*s\n", static_cast<int>(text.size()), text.data());
  }
  void close() override {
    if (terminal_ && drawn_) std::fprintf(to_, "\n");
    std::fflush(to_);
    drawn_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  }
  static std::string figure(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g", value);
    return std::isnan(value) ? "-" : text.data();
  }

  [[nodiscard]] std::string line(const MetricsRow& row) const {
    const double share =
        row.planned > 0 ? static_cast<double>(row.step) / static_cast<double>(row.planned) : 1.;
    const double done = static_cast<double>(row.step - first_step_);
    const double speed = done / std::max(1e-9, seconds(start_));
    std::string text;
    if (terminal_) {
      constexpr int width = 24;
      const int filled = static_cast<int>(std::min(1., share) * width);
      text += '[';
      for (int i = 0; i < width; ++i) text += i < filled ? '#' : '.';
      text += "] ";
    }
    std::array<char, 16> percent{};
    std::snprintf(percent.data(), percent.size(), "%3.0f%%", std::min(1., share) * 100);
    text += concat({percent.data(), "  ", internal::short_count(static_cast<double>(row.step)), " steps  ",
                    internal::short_count(speed), " steps/s  return ", figure(row["return"])});
    if (const double success = row["success"]; !std::isnan(success))
      text += concat({"  success ", figure(success)});
    if (const double stage = row["curriculum.stage"]; !std::isnan(stage))
      text += concat({"  stage ", figure(stage + 1)});
    const double left = (1 - std::min(1., share)) * static_cast<double>(row.planned) / std::max(1., speed);
    return concat({text, "  left ", internal::short_time(left)});
  }

  std::FILE* to_;
  bool terminal_;
  double plain_seconds_;
  Clock::time_point start_, last_;
  std::uint64_t first_step_ = 0;
  bool drawn_ = false;
};

/// Two CSV files, `prefix`train.csv and `prefix`evaluation.csv, one row an update or evaluation. A resumed
/// run drops the rows after its checkpoint and appends. Figures that do not exist (no episode ended yet) are
/// empty.
class CsvLog : public Sink {
 public:
  explicit CsvLog(std::string prefix) : prefix_(std::move(prefix)) {}

  void open(const RunInfo& info) override {
    for (Table* table : {&training_, &evaluation_}) {
      table->append = info.resumed_at > 0;
      table->file.reset();
      if (!table->append) continue;
      internal::rewind_log(path(*table), [&](std::string_view line) {  // the header's number is 0
        return internal::leading_number(line) > info.resumed_at;
      });
    }
  }
  void row(const MetricsRow& row) override {
    Table& table = row.kind == MetricsRow::Kind::training ? training_ : evaluation_;
    write(table, path(table), row);
  }
  void close() override {
    training_.file.reset();
    evaluation_.file.reset();
  }

 private:
  struct Table {
    internal::File file;
    bool append = false;
  };

  [[nodiscard]] std::string path(const Table& table) const {
    return prefix_ + (&table == &training_ ? "train.csv" : "evaluation.csv");
  }

  static void write(Table& table, const std::string& path, const MetricsRow& row) {
    if (!table.file) {
      table.file = internal::open_file(path, table.append ? "a" : "w");
      if (std::fseek(table.file.get(), 0, SEEK_END) == 0 && std::ftell(table.file.get()) == 0) {
        std::string header = "step,seconds";
        for (const auto& [name, value] : row.values) header.append(",").append(name);
        internal::write_line(table.file.get(), header + "\n", path);
      }
      table.append = true;
    }
    std::string line = std::to_string(row.step) + "," + internal::number_text(row.seconds);
    for (const auto& [name, value] : row.values) line.append(",").append(internal::number_text(value));
    internal::write_line(table.file.get(), line + "\n", path);
  }

  std::string prefix_;
  Table training_, evaluation_;
};

/// One JSON object a line: first the run (composition, settings, seed), then every row. A resumed run drops
/// what came after its checkpoint and appends.
class JsonLines : public Sink {
 public:
  explicit JsonLines(std::string path) : path_(std::move(path)) {}

  void open(const RunInfo& info) override {
    if (info.resumed_at > 0) {
      internal::rewind_log(path_, [&](std::string_view line) {  // a message has no step of its own
        constexpr std::string_view key = ",\"step\":";
        const auto at = line.find(key);
        return at != line.npos && internal::leading_number(line.substr(at + key.size())) > info.resumed_at;
      });
    }
    file_ = internal::open_file(path_, info.resumed_at > 0 ? "a" : "w");
    write(
        concat({"{\"kind\":\"run\",\"composition\":", quoted(info.composition), ",\"seed\":", info.seed,
                ",\"planned\":", info.planned, ",\"resumed_at\":", info.resumed_at, ",\"lanes\":", info.lanes,
                ",\"threads\":", info.threads, ",\"settings\":", quoted(info.settings), "}\n"}));
  }
  void row(const MetricsRow& row) override {
    std::string line =
        row.kind == MetricsRow::Kind::training ? "{\"kind\":\"training\"" : "{\"kind\":\"evaluation\"";
    line += concat({",\"step\":", row.step, ",\"seconds\":", number(row.seconds)});
    for (const auto& [name, value] : row.values) {
      line.append(",").append(quoted(name)).append(":").append(number(value));
    }
    write(line + "}\n");
  }
  void message(std::string_view text) override {
    write(concat({"{\"kind\":\"message\",\"text\":", quoted(text), "}\n"}));
  }
  void close() override { file_.reset(); }

 private:
  static std::string number(double value) {
    const std::string text = internal::number_text(value);
    return text.empty() ? "null" : text;
  }
  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        result += '\\', result += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
        result += escape.data();
      } else {
        result += c;
      }
    }
    return result + "\"";
  }
  void write(const std::string& line) {
    if (file_) internal::write_line(file_.get(), line, path_);
  }

  std::string path_;
  internal::File file_;
};

}  // namespace polis
