// Draws what runs left in their folders: one HTML file with learning curves, curriculum, held-out trading,
// speed and settings; or, where the file is called .svg, the learning curves alone. Runs that differ in their
// seed alone are one group; NAME=DIRECTORY names a group.
//
//     report report.html runs/1
//     report report.html PPO=runs/1 PPO=runs/2 A2C=runs/3 --title "PPO against A2C"
//     report curves.svg PPO=runs/1 A2C=runs/3
//
// ctest: report.html {source}/tests/report/run
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <polis/report/html_report.hpp>

using namespace polis;

int main(int argc, char** argv) {
  try {
    std::string title = "Training report";
    std::vector<std::string> words(argv + 1, argv + argc);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] != "--title") continue;
      title = words[i + 1];
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i),
                  words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    }
    if (words.size() < 2 || words[0].substr(0, 2) == "--") {
      std::fprintf(stderr, "usage: report OUT.html|OUT.svg [NAME=]RUN_DIRECTORY... [--title TITLE]\n");
      return 2;
    }
    HtmlReport report(title);
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      if (equals == std::string::npos) {
        report.add_run(words[i]);
      } else {
        report.add_run(words[i].substr(0, equals), words[i].substr(equals + 1));
      }
    }
    report.write(words[0]);
    std::printf("%s\n", words[0].c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "report: %s\n", error.what());
    return 1;
  }
}
