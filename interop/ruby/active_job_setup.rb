# Active Job over Resque, without a Rails application: jobs that the other language runs, or that check what it sent.
require_relative "setup"
require "logger"
require "bigdecimal"
require "bigdecimal/util"
require "json"
require "active_job"
require "active_support/time"
require "globalid"
begin
  require "resque-scheduler"
rescue LoadError
  nil # then nothing can be delayed
end

ActiveJob::Base.logger = Logger.new(nil)
ActiveJob::Base.queue_adapter = :resque
GlobalID.app = "interop"
Time.zone = "UTC"

# A record that needs no database: number 0 is missing.
class User
  include GlobalID::Identification
  attr_reader :id

  def initialize(id) = @id = id.to_s

  def self.find(id)
    raise "Couldn't find User with 'id'=#{id}" if id.to_s == "0"

    new(id)
  end

  def ==(other) = other.is_a?(User) && other.id == id
end

module Admin
  module Nightly; end
end

class AppError < StandardError; end

# Evidence for the tests, as the jobs of jobs.rb leave it.
def leave(list, value) = Resque.redis.rpush("interop:#{list}", JSON.generate(value))

SHAPES = {
  "none" => -> { [] },
  "nil" => -> { [nil] },
  "booleans" => -> { [true, false] },
  "integers" => -> { [0, -1, 2**53 + 1, 2**63, -(2**70)] },
  "floats" => -> { [1.5, 0.1, -0.0, 1e16, 1e-5, 123456789.123] },
  "text" => -> { ["hello", "", "Grüße 日本 \u{1F600} \u2028"] },
  "html" => -> { ["<a href=\"x?a=1&b=2\">'it'</a>"] },
  "control" => -> { ["a\tb\nc\r\u0000\u001b\\"] },
  "gid text" => -> { ["gid://interop/User/1"] },
  "array" => -> { [[1, [2, [3, []]], "x", nil]] },
  "array of hashes" => -> { [[{ a: 1 }, { "b" => 2 }]] },
  "empty hash" => -> { [{}] },
  "string keys" => -> { [{ "a" => 1, "b" => "two" }] },
  "symbol keys" => -> { [{ a: 1, b: "two" }] },
  "mixed keys" => -> { [{ a: 1, "b" => 2, c: { "d" => 4, e: 5 } }] },
  "unicode keys" => -> { [{ "ключ" => 1, ü: 2 }] },
  "deep hash" => -> { [{ a: { b: { c: [{ d: 1 }] } } }] },
  "nil value" => -> { [{ a: nil }] },
  "other reserved" => -> { [{ "_aj_other" => "x" }] },
  "indifferent" => -> { [{ a: 1, "b" => { c: [{ d: 2 }] } }.with_indifferent_access] },
  "indifferent inside" => -> { [{ a: { b: 1 }.with_indifferent_access }] },
  "symbol" => -> { [:foo, :"with space", :é, :[]=] },
  "symbols in a list" => -> { [[:a, "a"]] },
  "duration" => -> { [5.minutes, 1.day + 2.hours + 30.seconds] },
  "calendar duration" => -> { [1.month, 2.years, 1.week, -3.days] },
  "float duration" => -> { [1.5.hours, 0.seconds] },
  "date" => -> { [Date.new(2024, 2, 29)] },
  "far dates" => -> { [Date.new(-1, 1, 1), Date.new(12_345, 1, 1)] },
  "datetime" => -> { [DateTime.new(2024, 1, 2, 3, 4, Rational(11, 2), "+05:30"), DateTime.new(2024, 1, 2)] },
  "time" => -> { [Time.utc(2024, 1, 2, 3, 4, 5), Time.new(2024, 1, 2, 3, 4, 5, "-08:00")] },
  "nanoseconds" => -> { [Time.at(1_700_000_000, 123_456_789, :nsec).utc] },
  "before the epoch" => -> { [Time.utc(1969, 12, 31, 23, 59, 59.5r)] },
  "time with zone" => -> { [ActiveSupport::TimeZone["America/New_York"].local(2024, 7, 4, 12, 30)] },
  "rails zone" => -> { [ActiveSupport::TimeZone["Tokyo"].at(1_700_000_000.125r)] },
  "ambiguous time" => -> { [ActiveSupport::TimeZone["Europe/Berlin"].local(2024, 10, 27, 2, 30)] },
  "module" => -> { [String, Comparable, Admin::Nightly] },
  "range" => -> { [1..10, 1...10, "a".."z", (1..), (nil..5)] },
  "range of dates" => -> { [Date.new(2024, 1, 1)..Date.new(2024, 1, 31)] },
  "range of times" => -> { [Time.utc(2024, 1, 1)...Time.utc(2024, 2, 1)] },
  "decimal" => -> { [BigDecimal("1.5"), BigDecimal("12345678901234567890.123456789"), BigDecimal("-0")] },
  "record" => -> { [User.new(1), [User.new("a/b c?é")], { who: User.new(42) }] },
  "keywords" => -> { [1, "x", Hash.ruby2_keywords_hash({ user_id: 7, at: Time.utc(2024), who: User.new(1) })] },
}.freeze

# What tells two values apart beyond ==: their classes, parts and fractions, all the way down.
def exact(value)
  case value
  when ActiveSupport::HashWithIndifferentAccess then [value.class.name, value.map { |k, v| [exact(k), exact(v)] }]
  when Hash then [:hash, Hash.ruby2_keywords_hash?(value), value.map { |k, v| [exact(k), exact(v)] }]
  when Array then value.map { |item| exact(item) }
  when ActiveSupport::Duration then [:duration, value.value, value.parts.to_a]
  when ActiveSupport::TimeWithZone then [:twz, value.to_r, zone_of(value)]
  when Time then [:time, value.to_r, value.utc_offset, value.utc?]
  when DateTime then [:datetime, value.ajd, value.offset]
  when Range then [:range, exact(value.begin), exact(value.end), value.exclude_end?]
  when Float then [:float, [value].pack("G")]
  when Module then [:module, value.name]
  when User then [:user, value.id]
  when BigDecimal then [:decimal, value.to_s, value.sign]
  else [value.class.name, value]
  end
end

# Up to Rails 6.1 a time comes back in the zone of the reader.
def zone_of(value) = ActiveJob.version >= Gem::Version.new("7.0") ? value.time_zone.tzinfo.name : nil

# Python runs this one, and sends what it got to ShapeCheck.
class ShapeJob < ActiveJob::Base
  queue_as :python
  def perform(*) = raise("Python was to run this")
end

class ShapeCheck < ActiveJob::Base
  queue_as :ruby
  def perform(name, *args)
    wanted = SHAPES.fetch(name).call
    leave("shapes", name: name, same: exact(args) == exact(wanted), got: exact(args).inspect, want: exact(wanted).inspect)
  end
  ruby2_keywords(:perform)
end

# The types of what Python enqueued.
class TypesJob < ActiveJob::Base
  queue_as :ruby
  def perform(*args, **words)
    leave("types", args: args.map { |one| "#{one.class} #{one.inspect}" }, words: words.inspect, zone: Time.zone.name,
                   locale: I18n.locale.to_s, executions: executions, priority: priority, queue: queue_name)
  end
end

# Fails always: its attempts are made by both languages in turn.
class TurnsJob < ActiveJob::Base
  queue_as :ruby
  retry_on AppError, wait: 0, attempts: 4, queue: :python, jitter: 0
  def perform(text)
    leave("turns", "ruby #{executions} #{text}")
    raise AppError, "boom #{executions}"
  end
end

class PythonJob < ActiveJob::Base
  queue_as :python
  def perform(*) = raise("Python was to run this")
end
