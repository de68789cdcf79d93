# A real Resque worker, as `rake resque:work` starts it, for tests that must know when it is there:
#   QUEUE=jobs,shared ruby interop/ruby/worker.rb [MORE_JOBS.rb ...]
# It prints "READY <worker id>" and works until TERM, INT or QUIT (INTERVAL=0: until its queues are empty).
# The environment is Resque's: QUEUES, QUEUE, INTERVAL, TERM_CHILD, FORK_PER_JOB, PIDFILE, VERBOSE ...
require_relative "jobs"

ARGV.each { |file| require File.expand_path(file) }

begin
  worker = Resque::Worker.new
rescue Resque::NoQueueError
  abort "set QUEUE env var, e.g. $ QUEUE=critical,high ruby #{$0}"
end
worker.prepare

# Not yet registered: pruning and registration are the first things that `work` does.
puts "READY #{worker}"
$stdout.flush

# Resque 3.0 and newer; Resque 2 takes the interval alone.
backoff = %w[max_interval min_interval backoff_interval].to_h { |name| [name.to_sym, ENV[name.upcase]] }.compact
worker.work(ENV["INTERVAL"] || 5.0, **backoff)
