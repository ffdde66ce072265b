// What a run left behind, as a report needs it: read from the run's folder, or collected while it trains.
//
// A folder holds log.jsonl (JsonLines), or train.csv and evaluation.csv (CsvLog), and, where the run traded,
// equity.csv and backtest.csv (write_reports).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <polis/core/error.hpp>
#include <polis/io/csv.hpp>
#include <polis/io/text_file.hpp>
#include <polis/train/metrics.hpp>

namespace polis {

/// A named column of figures, NaN where a row has none.
struct LogColumn {
  std::string name;
  std::vector<double> values;
};

/// Rows over the steps of a run, by columns.
struct LogTable {
  std::vector<double> steps, seconds;
  std::vector<LogColumn> columns;

  [[nodiscard]] std::size_t rows() const { return steps.size(); }
  /// The column of this name, or nullptr.
  [[nodiscard]] const std::vector<double>* find(std::string_view name) const {
    for (const LogColumn& column : columns) {
      if (column.name == name) return &column.values;
    }
    return nullptr;
  }
  void begin_row(double step, double at_seconds) {
    steps.push_back(step);
    seconds.push_back(at_seconds);
    for (LogColumn& column : columns) column.values.push_back(none);
  }
  /// Sets a figure of the last row; a column that is new has none in the rows before.
  void set(std::string_view name, double value) {
    for (LogColumn& column : columns) {
      if (column.name != name) continue;
      column.values.back() = value;
      return;
    }
    columns.push_back({std::string(name), std::vector<double>(rows(), none)});
    columns.back().values.back() = value;
  }

  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
};

/// The trading of data that no training saw: equity curves and figures, one of each a policy.
struct BacktestLog {
  std::vector<std::string> moments;  ///< a name for every bar: its date, or its number
  bool dated = false;                ///< by the calendar, not by numbers of days
  std::vector<LogColumn> equity;     ///< the starting one is 1
  std::vector<std::string> names;    ///< of the policies in `figures`
  std::vector<LogColumn> figures;    ///< a column a figure, a row a policy
};

/// All of a run.
struct RunLog {
  RunInfo info;
  LogTable training, evaluation;
  BacktestLog backtest;
  std::vector<std::string> messages;  ///< what the run said, in order, without notes of checkpoints
  std::vector<std::string> notes;     ///< what a reader of the figures should know about the log itself
};

/// A sink that keeps everything, for a report on a run of this program.
class RunRecorder : public Sink {
 public:
  void open(const RunInfo& info) override {
    const auto later = [&](double step) { return step > static_cast<double>(info.resumed_at); };
    for (LogTable* table : {&log_.training, &log_.evaluation}) {
      std::size_t kept = 0;
      while (kept < table->rows() && !later(table->steps[kept])) ++kept;
      table->steps.resize(kept), table->seconds.resize(kept);
      for (LogColumn& column : table->columns) column.values.resize(kept);
    }
    log_.info = info;
  }
  void row(const MetricsRow& row) override {
    LogTable& table = row.kind == MetricsRow::Kind::training ? log_.training : log_.evaluation;
    table.begin_row(static_cast<double>(row.step), row.seconds);
    for (const auto& [name, value] : row.values) table.set(name, value);
  }
  void message(std::string_view text) override {
    if (text.substr(0, 6) != "saved ") log_.messages.emplace_back(text);
  }

  [[nodiscard]] const RunLog& log() const { return log_; }

 private:
  RunLog log_;
};

namespace internal {

/// The text without a last line that lacks its end; says so in `notes`.
inline std::string_view whole_lines(std::string_view text, const char* file,
                                    std::vector<std::string>& notes) {
  const std::size_t end = text.find_last_of('\n') + 1;  // 0 where there is no line end
  if (end != text.size()) notes.push_back(std::string("The last line of ") + file + " is torn and left out.");
  return text.substr(0, end);
}

/// Takes one object of log.jsonl into the run. Error: it is none of those that JsonLines writes.
inline void read_log_line(const nlohmann::ordered_json& line, const std::string& where, RunLog& run) {
  const auto kind = line.is_object() ? line.value("kind", "") : "";
  if (kind == "run") {
    run.info.composition = line.value("composition", "");
    run.info.settings = line.value("settings", "");
    run.info.seed = line.value("seed", std::uint64_t{0});
    run.info.planned = line.value("planned", std::uint64_t{0});
    run.info.resumed_at = line.value("resumed_at", std::uint64_t{0});
    run.info.lanes = line.value("lanes", 0);
    run.info.threads = line.value("threads", 0);
    if (run.info.resumed_at > 0) {
      run.notes.push_back("Stopped and resumed at step " + std::to_string(run.info.resumed_at) + '.');
    }
  } else if (kind == "message") {
    const std::string text = line.value("text", "");
    if (text.substr(0, 6) != "saved ") run.messages.push_back(text);
  } else if (kind == "training" || kind == "evaluation") {
    LogTable& table = kind == "training" ? run.training : run.evaluation;
    table.begin_row(line.value("step", 0.), line.value("seconds", 0.));
    for (const auto& [name, value] : line.items()) {
      if (name == "kind" || name == "step" || name == "seconds") continue;
      table.set(name, value.is_number() ? value.get<double>() : LogTable::none);
    }
  } else {
    throw Error("found no kind of line that a log has", where, "kind run, training, evaluation or message");
  }
}

inline void read_json_lines(const std::string& path, RunLog& run) {
  const std::string text = read_text_file(path);
  const std::string_view whole = whole_lines(text, "log.jsonl", run.notes);
  int number = 1;
  for (std::size_t at = 0; at < whole.size(); ++number) {
    const std::size_t end = whole.find('\n', at);
    const std::string where = path + ':' + std::to_string(number);
    const auto line = nlohmann::ordered_json::parse(whole.substr(at, end - at), nullptr, false);
    if (line.is_discarded()) throw Error("the line is no JSON", where, "a log that JsonLines wrote");
    try {
      read_log_line(line, where, run);
    } catch (const nlohmann::json::exception& error) {
      throw Error(error.what(), where, "a log that JsonLines wrote");
    }
    at = end + 1;
  }
}

/// A CSV file of the run, or an empty table where there is none or none of it is whole.
inline CsvTable read_run_csv(const std::string& path, const char* name, RunLog& run) {
  if (!std::filesystem::exists(path)) return {};
  const std::string text = read_text_file(path);
  const std::string_view whole = whole_lines(text, name, run.notes);
  return whole.empty() ? CsvTable{} : parse_csv(whole, path);
}

inline double figure(const CsvTable& table, const CsvField& field, const CsvField& column) {
  return field.text.empty() ? LogTable::none : table.number(field, column.text);
}

inline void read_log_csv(const std::string& path, const char* name, LogTable& into, RunLog& run) {
  const CsvTable table = read_run_csv(path, name, run);
  if (table.header.empty()) return;
  if (table.header.size() < 2 || table.header[0].text != "step" || table.header[1].text != "seconds") {
    throw Error("the first columns are not step and seconds", path, "a log that CsvLog wrote");
  }
  for (const auto& row : table.rows) {
    into.begin_row(table.number(row[0], "step"), table.number(row[1], "seconds"));
    for (std::size_t i = 2; i < row.size(); ++i) {
      into.set(table.header[i].text, figure(table, row[i], table.header[i]));
    }
  }
}

inline void read_backtest(const std::string& directory, RunLog& run) {
  BacktestLog& log = run.backtest;
  const CsvTable equity = read_run_csv(directory + "/equity.csv", "equity.csv", run);
  for (std::size_t i = 1; i < equity.header.size(); ++i) log.equity.push_back({equity.header[i].text, {}});
  for (const auto& row : equity.rows) {
    log.moments.push_back(row[0].text);
    log.dated = log.moments[0].find_first_of("-/.") != std::string::npos;
    for (std::size_t i = 1; i < row.size(); ++i) {
      log.equity[i - 1].values.push_back(figure(equity, row[i], equity.header[i]));
    }
  }
  const CsvTable table = read_run_csv(directory + "/backtest.csv", "backtest.csv", run);
  for (std::size_t i = 1; i < table.header.size(); ++i) log.figures.push_back({table.header[i].text, {}});
  for (const auto& row : table.rows) {
    log.names.push_back(row[0].text);
    for (std::size_t i = 1; i < row.size(); ++i) {
      log.figures[i - 1].values.push_back(figure(table, row[i], table.header[i]));
    }
  }
}

}  // namespace internal

/// Reads what lies in a run's folder. A last line that a kill left torn is left out, a log without rows is a
/// run without figures; both are said in `notes`. Error: the folder holds no log; a line inside it is
/// damaged.
inline RunLog read_run_log(const std::string& directory) {
  RunLog run;
  const std::string json = directory + "/log.jsonl", csv = directory + "/train.csv";
  if (std::filesystem::exists(json)) {
    internal::read_json_lines(json, run);
  } else if (std::filesystem::exists(csv)) {
    internal::read_log_csv(csv, "train.csv", run.training, run);
    internal::read_log_csv(directory + "/evaluation.csv", "evaluation.csv", run.evaluation, run);
  } else {
    throw Error("holds no log of a run", directory, "a folder with log.jsonl or train.csv");
  }
  internal::read_backtest(directory, run);
  if (run.training.rows() == 0) run.notes.emplace_back("The log holds no training yet.");
  return run;
}

}  // namespace polis
