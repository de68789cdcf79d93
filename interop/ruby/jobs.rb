# Jobs for the demo and the interop tests. Each does the same every time and leaves its evidence in Redis,
# under Resque's namespace, where the other language can read it:
#   interop:started  list, one element per SleepJob or KillSelfJob that has begun
#   interop:done     list, one element per job that has been performed
#   interop:hooks    list, one element per hook call of HookedJob, in order
# Elements are JSON objects with "lang":"ruby"; the Python jobs write the same with "python".
require_relative "setup"

module Evidence
  def leave(list, job, args, extra = {})
    note = { "class" => job.to_s, "args" => args, "lang" => "ruby", "pid" => Process.pid }
    Resque.redis.rpush("interop:#{list}", Resque.encode(note.merge(extra)))
  end
  module_function :leave
end

# Only the counters tell that it ran.
class OkJob
  @queue = :jobs
  def self.perform(*) = nil
end

class EchoJob
  @queue = :jobs
  def self.perform(*args) = Evidence.leave("done", self, args)
end

class FailJob
  @queue = :jobs
  def self.perform(*args) = raise(ArgumentError, "boom #{args.inspect}")
end

# Long enough to be seen, paused or killed at work.
class SleepJob
  @queue = :jobs
  def self.perform(seconds, *rest)
    Evidence.leave("started", self, [seconds, *rest])
    sleep(seconds)
    Evidence.leave("done", self, [seconds, *rest])
  end
end

class UnicodeFailJob
  @queue = :jobs
  def self.perform(*) = raise("Grüße aus Zürich: 失敗 💥")
end

# The process that performs it dies: a forked child by default, the whole worker with FORK_PER_JOB=false.
class KillSelfJob
  @queue = :jobs
  def self.perform(signal = "KILL")
    Evidence.leave("started", self, [signal])
    Process.kill(signal, Process.pid)
    sleep 5 # the signal is delivered in here; whoever survives it has handled it
    Evidence.leave("done", self, [signal])
  end
end

# Every job hook there is, each with a suffix, as real applications name them. The first argument steers:
#   "refuse"  before_enqueue and before_dequeue say no   "dont"  before_perform raises DontPerform
#   "skip"    around_perform does not go on              "fail"  perform raises
class HookedJob
  @queue = :jobs

  class << self
    def before_enqueue_log(*args) = note("before_enqueue", args) && args.first != "refuse"
    def after_enqueue_log(*args) = note("after_enqueue", args)
    def before_dequeue_log(*args) = note("before_dequeue", args) && args.first != "refuse"
    def after_dequeue_log(*args) = note("after_dequeue", args)

    def before_perform_log(*args)
      note("before_perform", args)
      raise Resque::Job::DontPerform if args.first == "dont"
    end

    def around_perform_log(*args)
      note("around_perform begin", args)
      yield unless args.first == "skip"
      note("around_perform end", args)
    end

    def perform(*args)
      note("perform", args)
      raise ArgumentError, "boom #{args.inspect}" if args.first == "fail"
    end

    def after_perform_log(*args) = note("after_perform", args)
    def on_failure_log(error, *args) = note("on_failure #{error.class}: #{error.message}", args)
    def always_log(*args) = note("always", args) # called by Resque 3.1 and newer only

    private # a public name that began like a hook would be one

    def note(hook, args) = Evidence.leave("hooks", self, args, "hook" => hook)
  end
end

# Both languages have it: whoever is first performs it, and "lang" tells who that was.
class SharedJob
  @queue = :shared
  def self.perform(*args) = Evidence.leave("done", self, args)
end

# No Python worker knows it: it must wait on its queue for Ruby.
class RubyOnlyJob
  @queue = :ruby
  def self.perform(*args) = Evidence.leave("done", self, args)
end
