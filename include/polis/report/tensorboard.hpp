// A sink that writes TensorBoard's event files, so that `tensorboard --logdir runs` shows a run beside
// others.
//
// An event file is a TFRecord file: each record is its length, the length's checksum, the bytes and their
// checksum, where checksums are CRC-32C (Castagnoli) in TensorFlow's masked form. A record is one `Event`
// message in protocol buffers' wire format, of which the few fields that scalars need are written here; their
// numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <polis/core/error.hpp>
#include <polis/train/metrics.hpp>
#include <polis/train/sinks.hpp>

namespace polis {

namespace internal {

/// CRC-32C, bit by bit over a table. Check value: crc32c("123456789") = e3069283.
inline std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> remainders{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t remainder = byte;
      for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) * 0x82f63b78u);
      remainders[byte] = remainder;
    }
    return remainders;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

/// A message in protocol buffers' wire format, field by field.
class ProtoMessage {
 public:
  ProtoMessage& integer(int field, std::uint64_t value) {
    key(field, 0);
    varint(value);
    return *this;
  }
  ProtoMessage& number(int field, double value) {
    key(field, 1);
    little_endian(bytes_, std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  ProtoMessage& number(int field, float value) {
    key(field, 5);
    little_endian(bytes_, std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  /// A string, bytes, or a message within this one.
  ProtoMessage& text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_.append(value);
    return *this;
  }
  ProtoMessage& message(int field, const ProtoMessage& value) { return text(field, value.bytes_); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  static void little_endian(std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>((value >> (8 * i)) & 0xff);
  }

 private:
  void key(int field, unsigned wire_type) { varint(static_cast<unsigned>(field) << 3 | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7f));
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

/// The bytes as one record of a TFRecord file.
inline std::string tfrecord(std::string_view bytes) {
  const auto masked = [](std::string_view part) {
    const std::uint32_t crc = crc32c(part);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  };
  std::string record;
  ProtoMessage::little_endian(record, bytes.size(), 8);
  ProtoMessage::little_endian(record, masked(record), 4);
  record.append(bytes);
  ProtoMessage::little_endian(record, masked(bytes), 4);
  return record;
}

}  // namespace internal

/// Writes a run's figures as scalars, in one new event file of `directory` a call of `train`. A figure of
/// training is tagged `training/return`, one of an evaluation `evaluation/return`; a name with a dot brings
/// its own group (`curriculum/stage`). Figures that are not numbers (no episode ended yet) are left out. The
/// composition and the settings appear among TensorBoard's texts. A resumed run starts another file, and
/// TensorBoard drops what the earlier ones hold after the checkpoint. Error: the file cannot be written.
class TensorBoard : public Sink {
 public:
  /// `directory` is made where it is missing; TensorBoard takes each folder with event files for a run.
  explicit TensorBoard(std::string directory) : directory_(std::move(directory)) {}

  void open(const RunInfo& info) override {
    std::error_code problem;
    std::filesystem::create_directories(directory_, problem);
    if (problem) throw Error("the folder cannot be made: " + problem.message(), directory_);
    path_ = directory_ + '/' + file_name();
    file_ = internal::open_file(path_, "wb");
    write(event(0).text(file_version, "brain.Event:2"));
    // A session's start: of the files before, what lies at its step or after no longer counts.
    const std::uint64_t first = info.resumed_at > 0 ? info.resumed_at + 1 : 0;
    write(event(first).message(session_log, internal::ProtoMessage().integer(1, 1)));
    write(event(info.resumed_at).message(summary, described(info)));
  }
  void row(const MetricsRow& row) override {
    if (!file_) return;
    internal::ProtoMessage values;
    for (const auto& [name, value] : row.values) {
      if (!std::isfinite(value)) continue;
      internal::ProtoMessage scalar;
      scalar.text(1, tag(row.kind, name)).number(2, static_cast<float>(value));
      values.message(1, scalar);
    }
    write(event(row.step).message(summary, values));
  }
  void close() override { file_.reset(); }

  /// The event file being written, or the last one.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  enum EventField : int { wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7 };

  /// TensorBoard reads a folder's files in the order of their names: time first, then what tells apart those
  /// of one second.
  static std::string file_name() {
    static std::atomic<int> files = 0;
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "events.out.tfevents.%010lld.polis.%ld.%d",
                  static_cast<long long>(now()), static_cast<long>(getpid()), files++);
    return text.data();
  }
  static double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  static internal::ProtoMessage event(std::uint64_t at_step) {
    return internal::ProtoMessage().number(wall_time, now()).integer(step, at_step);
  }

  static std::string tag(MetricsRow::Kind kind, const std::string& name) {
    if (kind == MetricsRow::Kind::evaluation) return "evaluation/" + name;
    const auto dot = name.find('.');
    if (dot == name.npos) return "training/" + name;
    return name.substr(0, dot) + '/' + name.substr(dot + 1);
  }

  /// The composition and the settings as texts, which TensorBoard shows as Markdown.
  static internal::ProtoMessage described(const RunInfo& info) {
    std::string settings = "| setting | value |\n| --- | --- |\n";
    for (std::size_t at = 0; at < info.settings.size();) {
      const std::size_t end = std::min(info.settings.find('\n', at), info.settings.size());
      const std::string line = info.settings.substr(at, end - at);
      const std::size_t equals = std::min(line.find('='), line.size());
      settings +=
          "| " + line.substr(0, equals) + " | " + line.substr(std::min(equals + 1, line.size())) + " |\n";
      at = end + 1;
    }
    internal::ProtoMessage values;
    values.message(1, text_value("run/composition", '`' + info.composition + '`'));
    values.message(1, text_value("run/settings", settings));
    return values;
  }
  static internal::ProtoMessage text_value(std::string_view tag, std::string_view markdown) {
    constexpr std::uint64_t string_type = 7;  // DT_STRING
    internal::ProtoMessage tensor, plugin, metadata, value;
    tensor.integer(1, string_type).message(2, {}).text(8, markdown);
    plugin.text(1, "text");
    metadata.message(1, plugin);
    return value.text(1, tag).message(8, tensor).message(9, metadata);
  }

  void write(const internal::ProtoMessage& message) {
    internal::write_line(file_.get(), internal::tfrecord(message.bytes()), path_);
  }

  std::string directory_, path_;
  internal::File file_;
};

}  // namespace polis
