// TensorBoard's event files, checked by their own definition and read back by TensorBoard.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include <polis/report/tensorboard.hpp>
#include <polis/train/sinks.hpp>

#include "scratch.hpp"

using namespace polis;
using namespace test_report;

namespace test_tensorboard {

void feed(Sink& sink, std::uint64_t resumed_at, std::uint64_t from, std::uint64_t to) {
  sink.open(run_info(7, resumed_at));
  for (std::uint64_t step = from; step <= to; step += 100) {
    sink.row(training_row(step));
    if (step % 200 == 0) sink.row(evaluation_row(step, static_cast<double>(step) / 7));
  }
  sink.close();
}

}  // namespace test_tensorboard

using namespace test_tensorboard;

TEST_CASE("report/tensorboard: CRC-32C has its published values") {
  CHECK(internal::crc32c("123456789") == 0xe3069283u);
  CHECK(internal::crc32c(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(internal::crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
}

TEST_CASE("report/tensorboard: a message has the bytes of the wire format") {
  internal::ProtoMessage inner, outer;
  inner.integer(1, 150);
  outer.message(3, inner).text(2, "testing").number(5, 1.f).number(1, 1.);
  CHECK(inner.bytes() == "\x08\x96\x01");  // the examples of the format's own description
  const std::string expected("\x1a\x03\x08\x96\x01\x12\x07testing\x2d\0\0\x80\x3f\x09\0\0\0\0\0\0\xf0\x3f",
                             28);
  CHECK(outer.bytes() == expected);
}

TEST_CASE("report/tensorboard: TensorBoard reads what CSV holds, over a stop and a resume") {
  const Scratch scratch("tensorboard");
  const std::string folder = scratch.folder("run");
  TensorBoard board(folder);
  CsvLog csv(folder + "/");
  for (Sink* sink : {static_cast<Sink*>(&board), static_cast<Sink*>(&csv)}) {
    feed(*sink, 0, 100, 700);  // stopped here, saved at 500
    feed(*sink, 500, 600, 1000);
  }
  CHECK(shell("python=$(bash .ci/python-packages tensorboard tensorboard==2.21.0) && "
              "\"$python\" tests/report/read_tensorboard.py '" +
              folder + "'") == 0);
}

TEST_CASE("report/tensorboard: a folder that cannot be made is an Error that names it") {
  CHECK_THROWS_WITH_AS(TensorBoard("/dev/null/run").open(run_info()), doctest::Contains("/dev/null/run"),
                       Error);
}
