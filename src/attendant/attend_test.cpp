#include "attendant/attend.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attendant/text_file.hpp"
#include "attendant/words.hpp"

namespace pipelab::attendant {
namespace {

namespace fs = std::filesystem;

/// Attends to commands in processes of its own, each in an empty folder.
class Attend : public testing::Test {
 protected:
  Attend() {
    std::string pattern = fs::temp_directory_path() / "attend.XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Attend() override { fs::remove_all(folder_); }

  /// The attendant's exit code.
  int attend_to(const Words& words) const {
    const pid_t child = fork();
    if (child == 0) {
      const int file = open((folder_ / "stderr.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(file, STDERR_FILENO);
      int code = chdir(folder_.c_str());
      try {
        code = attend(words);
      } catch (const std::exception& error) {
        say(error.what());
        code = 125;
      }
      _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }

  /// The same for a script of the shell.
  int attend_to(std::string script, Words words = {}) const {
    words.command = {"sh", "-c", std::move(script)};
    return attend_to(words);
  }

  std::string said(const char* file = "stderr.txt") const { return content_of(folder_ / file); }

  /// The value of a key of process.csv; "?" when there is none.
  std::string value(const std::string& key) const {
    const std::string text = said("process.csv");
    const std::size_t place = text.find("\n" + key + ",");
    const std::size_t begin = place + key.size() + 2;
    return place == std::string::npos ? "?" : text.substr(begin, text.find('\n', begin) - begin);
  }

  fs::path folder_;
};

TEST_F(Attend, GivesTheCommandsExitCode) {
  EXPECT_EQ(attend_to("read line; exit 3"), 3);
  EXPECT_EQ(said(), "");
  EXPECT_EQ(value("exit_code"), "3");
  EXPECT_EQ(value("signal"), "0");
  EXPECT_EQ(value("region"), "0");
  EXPECT_TRUE(said("threads.csv").starts_with("thread,tid,role,cpu,voluntary_switches,"));
}

TEST_F(Attend, SaysWhyACommandCannotBeExecuted) {
  const auto attend_to_file = [&](std::string_view text) {
    write_text(folder_ / "program", text);
    fs::permissions(folder_ / "program", fs::perms::owner_all);
    Words words;
    words.command = {"./program"};
    return attend_to(words);
  };
  EXPECT_EQ(attend_to_file("no program"), 126);
  EXPECT_EQ(said(), "attendant: ./program: is not a program for this machine\n");
  EXPECT_EQ(attend_to_file("#!/no/such/shell\n"), 127);
  EXPECT_NE(said().find("what should load it is not there"), std::string::npos);
  Words words;
  words.command = {"no-such-program"};
  EXPECT_EQ(attend_to(words), 127);
  EXPECT_EQ(said(), "attendant: no-such-program: No such file or directory\n");
  words.folder = "/no/such/folder";
  EXPECT_EQ(attend_to(words), 125);
  words.complete = "/no/such/file";
  EXPECT_EQ(attend_to(words), 125);
  EXPECT_NE(said().find("did not all fit"), std::string::npos);
}

TEST_F(Attend, SaysWhichSignalEndedIt) {
  EXPECT_EQ(attend_to("kill -SEGV $$"), 128 + SIGSEGV);
  EXPECT_EQ(said(), "attendant: ended by signal 11 (Segmentation fault)\n");
  EXPECT_EQ(value("exit_code"), "");
  EXPECT_EQ(attend_to("kill -KILL -$$"), 128 + SIGKILL);
}

TEST_F(Attend, EndsWhatIsLeftBehind) {
  EXPECT_EQ(attend_to("setsid sleep 1000 & sleep 1000 & echo $! >left; exit 0"), 123);
  EXPECT_NE(said().find("left 2 processes ("), std::string::npos) << said();
  EXPECT_EQ(value("processes_left"), "2");
  EXPECT_EQ(kill(static_cast<pid_t>(std::stol(said("left"))), 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(attend_to("sleep 1000 & exit 5"), 5);
}

TEST_F(Attend, SaysWhatAHangWaitsFor) {
  Words words;
  words.limit_ns = 1'000'000'000;
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(attend_to("read line <pipe", words), 124);
  EXPECT_TRUE(said().starts_with("attendant: did not end within 1 s: 1 thread waits, 0 run ("))
      << said();
  EXPECT_TRUE(said("hang.txt").starts_with("pid ")) << said("hang.txt");
  EXPECT_EQ(value("reached_limit"), "1");
  EXPECT_EQ(value("exit_code"), "");
}

TEST_F(Attend, KeepsFilesUpToASize) {
  fs::create_directory(folder_ / "inner");
  Words words;
  words.folder = "inner";
  words.keep = {"small", "missing", "link", "fifo", "large"};
  words.keep_mb = 1;
  const std::string script = "echo 1 >small; ln -s small link; mkfifo fifo; ";
  EXPECT_EQ(attend_to(script, words), 0) << said();
  EXPECT_EQ(said("small"), "1\n");
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder_ / "link")));
  EXPECT_FALSE(fs::exists(folder_ / "fifo"));
  EXPECT_EQ(attend_to("head -c 1048576 /dev/zero >large", words), 122);
  EXPECT_NE(said().find("large is larger than"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "large"));
}

TEST_F(Attend, TakesTheRegionThatTheProgramMeasured) {
  EXPECT_EQ(attend_to("echo 1 >$PIPELAB_REGION; echo 2 >>$PIPELAB_REGION"), 0);
  EXPECT_EQ(value("region"), "0");
  EXPECT_EQ(attend_to("exec /usr/bin/python3 -c 'import os, time\n"
                      "times = [time.monotonic_ns() for _ in range(2)]\n"
                      "text = \"\".join(f\"{each}\\n\" for each in times)\n"
                      "open(os.environ[\"PIPELAB_REGION\"], \"w\").write(text)'"),
            0);
  EXPECT_EQ(value("region"), "1");
}

TEST_F(Attend, LeavesWhereTheCodeOfEachProgramWas) {
  Words words;
  words.maps = true;
  // Signals and stops are the program's own.
  EXPECT_EQ(attend_to("sh -c 'while :; do kill -CONT $PPID; sleep 0.01; done' & kill -STOP $$; "
                      "kill $!; wait; trap 'echo x >got' USR1; kill -USR1 $$; (true); "
                      "env sleep 0; exec tail got >/dev/null",
                      words),
            0)
      << said();
  EXPECT_EQ(said("got"), "x\n");
  const std::string maps = said("maps.txt");
  EXPECT_NE(maps.find(" r-xp "), std::string::npos) << maps;
  EXPECT_NE(maps.find("/sleep\n"), std::string::npos) << maps;
  EXPECT_NE(maps.find("/tail\n"), std::string::npos) << maps;
}

TEST_F(Attend, FollowsNobodyAnyMoreInTheEnd) {
  Words words;
  words.maps = true;
  EXPECT_EQ(attend_to("setsid sleep 1000 & exit 0", words), 123);
  EXPECT_EQ(value("processes_left"), "1");
  EXPECT_EQ(attend_to("kill -SEGV $$", words), 128 + SIGSEGV);
  words.limit_ns = 2'000'000'000;
  EXPECT_EQ(attend_to("sleep 1000 & exec sleep 1000", words), 124);
  EXPECT_TRUE(said("maps.txt").starts_with("image ")) << said("maps.txt");
}

}  // namespace
}  // namespace pipelab::attendant
