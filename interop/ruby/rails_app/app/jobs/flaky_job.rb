# Python runs it, and fails at first.
class FlakyJob < ApplicationJob
end
