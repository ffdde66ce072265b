// The tile: up to 64 rows (samples) of a batch, the unit that networks, distributions and objectives work on.
//
// A tile is feature-major: feature f of row r lies at data[f * tile_rows + r], so that a SIMD register holds
// the same feature of neighbouring rows. Matrix products need no padding in the feature dimensions (an output
// layer of two logits costs two rows of work), and every pointwise function runs on registers of rows.
#pragma once

#include <polis/core/platform.hpp>

namespace polis {

/// Rows in a full tile. The same on every machine, so that sums have the same shape everywhere.
inline constexpr int tile_rows = 64;

/// Read access to one row's values, or to a register of neighbouring rows' values: element i lies at
/// data[i * stride]. `load<T>` is found for float here and for SIMD registers in core/simd.hpp.
template <class T>
struct Load;

template <>
struct Load<float> {
  POLIS_HD static float load(const float* from) { return *from; }
  POLIS_HD static void store(float* to, float value) { *to = value; }
};

/// Double precision on float tiles: what tests compute finite differences with.
template <>
struct Load<double> {
  POLIS_HD static double load(const float* from) { return static_cast<double>(*from); }
  POLIS_HD static void store(float* to, double value) { *to = static_cast<float>(value); }
};

template <class T>
struct In {
  const float* data = nullptr;
  int stride = 1;

  POLIS_HD T operator[](int i) const { return Load<T>::load(data + i * stride); }
  POLIS_HD explicit operator bool() const { return data != nullptr; }
  POLIS_HD In from(int i) const { return {data + i * stride, stride}; }
};

template <class T>
struct Out {
  float* data = nullptr;
  int stride = 1;

  POLIS_HD T operator[](int i) const { return Load<T>::load(data + i * stride); }
  POLIS_HD void set(int i, T value) const { Load<T>::store(data + i * stride, value); }
  POLIS_HD void add(int i, T value) const { set(i, (*this)[i] + value); }
  POLIS_HD Out from(int i) const { return {data + i * stride, stride}; }
};

/// One row's values, writable by index: what an environment writes an observation or a mask into. The stride
/// is 1 in a buffer of rows and the number of lanes in a structure of arrays; environments need not know.
struct Row {
  float* data = nullptr;
  int stride = 1;

  POLIS_HD float& operator[](int i) const { return data[i * stride]; }
  POLIS_HD Row from(int i) const { return {data + i * stride, stride}; }
  POLIS_HD operator In<float>() const { return {data, stride}; }
};

}  // namespace polis
