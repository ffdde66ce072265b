// What the flat array of a network's weights consists of.
//
// Networks hold no weights. They describe one flat array as a list of named blocks, and weights, gradients
// and optimizer moments are spans over the same list. The order and the names are part of checkpoints.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/text.hpp>

namespace polis {

/// What a block is for: initialisation and optimizers treat kinds differently.
enum class BlockKind { hidden_weight, output_weight, recurrent_weight, bias, free };

/// One matrix (row-major, unpadded, [rows][columns]) or vector (columns == 1) of a flat array, at `offset`
/// floats.
struct Block {
  std::string name;
  int rows = 0;
  int columns = 1;
  BlockKind kind = BlockKind::free;
  std::size_t offset = 0;

  [[nodiscard]] std::size_t size() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

/// Blocks in the order they lie in memory, without gaps.
using Layout = std::vector<Block>;

/// Floats of a flat array with this layout.
[[nodiscard]] inline std::size_t total_size(const Layout& layout) {
  return layout.empty() ? 0 : layout.back().offset + layout.back().size();
}

/// Appends one block behind the others.
[[gnu::cold, gnu::noinline]] inline void append(Layout& layout, std::string name, int rows, int columns,
                                                BlockKind kind) {
  layout.push_back({std::move(name), rows, columns, kind, total_size(layout)});
}

/// Appends name + "weight" [out][in] and name + "bias" [out] of a dense layer.
[[gnu::cold, gnu::noinline]] inline void append_dense(Layout& layout, const std::string& name, int in,
                                                      int out, BlockKind kind) {
  append(layout, concat({name, "weight"}), out, in, kind);
  append(layout, concat({name, "bias"}), out, 1, BlockKind::bias);
}

/// Appends all blocks of another layout, their names prefixed ("actor." + "0.weight").
[[gnu::cold, gnu::noinline]] inline void append(Layout& layout, const std::string& prefix,
                                                const Layout& blocks) {
  for (const Block& block : blocks)
    append(layout, concat({prefix, block.name}), block.rows, block.columns, block.kind);
}

}  // namespace polis
