# The fields of a figure, which is a line of a file that benchmarks/figure.hpp writes.
function text(key,   from, rest) {
  from = index($0, "\"" key "\": \"")
  if (!from) return ""
  rest = substr($0, from + length(key) + 5)
  return substr(rest, 1, index(rest, "\"") - 1)
}
function number(key,   from) {
  from = index($0, "\"" key "\": ")
  return from ? substr($0, from + length(key) + 4) + 0 : 0
}
