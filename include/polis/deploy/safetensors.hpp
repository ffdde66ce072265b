// Safetensors files (huggingface.co/docs/safetensors): named arrays, readable by every framework.
//
//   length of the header u64 | header, JSON, padded with blanks | the arrays, one after the other
//   (little-endian)
//
// The header has an entry {"dtype", "shape", "data_offsets"} for each array, and "__metadata__", texts by
// name.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <polis/core/error.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

/// One named array: the type of its elements as safetensors calls it, its shape, its bytes.
struct Tensor {
  std::string type;  ///< "F32", "F64", ...
  std::vector<std::size_t> shape;
  std::string bytes;

  template <class T>
  static Tensor of(std::span<const T> values, std::vector<std::size_t> shape) {
    static_assert(std::endian::native == std::endian::little);
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    return {std::is_same_v<T, float> ? "F32" : "F64",
            std::move(shape),
            {reinterpret_cast<const char*>(values.data()), values.size_bytes()}};
  }
  /// Copies the elements to `values`, which has their type and number.
  template <class T>
  void copy_to(std::span<T> values) const {
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size_bytes());
  }
  /// "F32 [64, 4]"
  [[nodiscard]] std::string description() const {
    std::string text;
    for (const std::size_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
    return type + " [" + text + ']';
  }
};

/// What a file holds.
struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

namespace internal {

/// Bytes of an element; 0 for a type that is not known here.
[[nodiscard]] inline std::size_t element_size(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 14> sizes = {{{"F64", 8},
                                                                               {"I64", 8},
                                                                               {"U64", 8},
                                                                               {"F32", 4},
                                                                               {"I32", 4},
                                                                               {"U32", 4},
                                                                               {"F16", 2},
                                                                               {"BF16", 2},
                                                                               {"I16", 2},
                                                                               {"U16", 2},
                                                                               {"I8", 1},
                                                                               {"U8", 1},
                                                                               {"BOOL", 1},
                                                                               {"F8_E4M3", 1}}};
  for (const auto& [name, size] : sizes) {
    if (name == type) return size;
  }
  return 0;
}

/// Reads one file; every Error names it.
class SafeTensorsReader {
 public:
  explicit SafeTensorsReader(const std::string& path) : path_(path), file_(read_text_file(path)) {}

  [[nodiscard]] SafeTensors read() {
    std::uint64_t length = 0;
    if (file_.size() < sizeof length) fail("it ends after " + std::to_string(file_.size()) + " bytes");
    std::memcpy(&length, file_.data(), sizeof length);
    if (length > file_.size() - sizeof length)
      fail("its header is to have " + std::to_string(length) + " bytes, and there are " +
           std::to_string(file_.size() - sizeof length));
    const auto header = nlohmann::json::parse(std::string_view(file_).substr(sizeof length, length), nullptr,
                                              /*allow_exceptions=*/false);
    if (!header.is_object()) fail("its header is not a JSON object");
    data_ = std::string_view(file_).substr(sizeof length + length);
    SafeTensors result;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(entry, result.metadata);
      } else {
        result.tensors.emplace(name, read_tensor(name, entry));
      }
    }
    check_covered();
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("not a whole safetensors file: " + what, path_,
                "a file as safetensors or polis has written it");
  }

  void read_metadata(const nlohmann::json& entry, std::map<std::string, std::string>& metadata) const {
    if (!entry.is_object()) fail("its metadata are not a JSON object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) fail("its metadata '" + key + "' are not a text");
      metadata[key] = value.get<std::string>();
    }
  }

  Tensor read_tensor(const std::string& name, const nlohmann::json& entry) {
    const auto numbers = [&](const char* key) {
      std::vector<std::size_t> values;
      const bool listed = entry.is_object() && entry.contains(key) && entry[key].is_array();
      if (!listed) fail("'" + name + "' has no " + key);
      for (const auto& value : entry[key]) {
        if (!value.is_number_unsigned()) fail("'" + name + "' has a " + key + " that is no list of sizes");
        values.push_back(value.get<std::size_t>());
      }
      return values;
    };
    Tensor tensor{{}, numbers("shape"), {}};
    const auto offsets = numbers("data_offsets");
    if (!entry.contains("dtype") || !entry["dtype"].is_string()) fail("'" + name + "' has no dtype");
    tensor.type = entry["dtype"].get<std::string>();
    std::size_t size = element_size(tensor.type);
    if (size == 0) fail("'" + name + "' is of a type '" + tensor.type + "'");
    for (const std::size_t extent : tensor.shape) {
      if (extent > 0 && size > data_.size() / extent) fail("'" + name + "' is larger than all the data");
      size *= extent;
    }
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size() ||
        offsets[1] - offsets[0] != size) {
      fail("the data_offsets of '" + name + "' do not hold its " + std::to_string(size) + " bytes");
    }
    extents_.emplace_back(offsets[0], offsets[1]);
    tensor.bytes = data_.substr(offsets[0], size);
    return tensor;
  }

  /// The arrays lie one after the other, and nothing else does.
  void check_covered() {
    std::sort(extents_.begin(), extents_.end());
    std::size_t end = 0;
    for (const auto& [first, last] : extents_) {
      if (first != end) fail("its arrays overlap or leave gaps at byte " + std::to_string(end));
      end = last;
    }
    if (end != data_.size()) fail(std::to_string(data_.size() - end) + " bytes are left over");
  }

  std::string path_, file_;
  std::string_view data_;
  std::vector<std::pair<std::size_t, std::size_t>> extents_;
};

}  // namespace internal

/// Reads a file. Error: it cannot be read, is torn, or is no safetensors file; says how it is not.
[[nodiscard, gnu::cold]] inline SafeTensors read_safetensors(const std::string& path) {
  return internal::SafeTensorsReader(path).read();
}

/// Writes a file. Arrays lie in the order of their element's size, largest
/// first, then of their names, so that each is aligned. Error: it cannot be written.
[[gnu::cold]] inline void write_safetensors(const std::string& path, const SafeTensors& contents) {
  nlohmann::json header = nlohmann::json::object();
  if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
  std::string data;
  for (const std::size_t size : {8u, 4u, 2u, 1u}) {
    for (const auto& [name, tensor] : contents.tensors) {
      if (internal::element_size(tensor.type) != size) continue;
      header[name] = {{"dtype", tensor.type},
                      {"shape", tensor.shape},
                      {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
      data += tensor.bytes;
    }
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  write_text_file(path, file + text + data);
}

}  // namespace polis
