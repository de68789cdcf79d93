# The job and worker of Ruby Resque that are measured: ruby benchmarks/resque.rb fill|work
require "resque"

Resque.redis = ENV["REDIS_URL"]

class BenchJob
  @queue = :jobs

  def self.perform(number)
    File.open(ENV["BENCH_OUT"], "ab") { |file| file.syswrite([Time.now.to_f].pack("E")) }
  end
end

if $PROGRAM_NAME == __FILE__ && ARGV[0] == "fill"
  ENV["BENCH_JOBS"].to_i.times { |number| Resque.enqueue(BenchJob, number) }
elsif $PROGRAM_NAME == __FILE__
  Resque::Worker.new("jobs").work(0)
end
