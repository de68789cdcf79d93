"""What an entry of the schedule says: cron lines, periods, dates, time zones, and when it runs."""
