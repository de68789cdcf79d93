-- Put in front of the scripts that judge JSON, without decoding and encoding it. Doubt is always no: then the caller decides.

-- Each valid sequence becomes a blank, not nothing: what is around it must not close up to a new one.
local function without_valid_utf8(text)
  text = text:gsub('[\194-\223][\128-\191]', ' ')
  text = text:gsub('\224[\160-\191][\128-\191]', ' ')
  text = text:gsub('\237[\128-\159][\128-\191]', ' ')
  text = text:gsub('[\225-\236\238\239][\128-\191][\128-\191]', ' ')
  text = text:gsub('\240[\144-\191][\128-\191][\128-\191]', ' ')
  text = text:gsub('[\241-\243][\128-\191][\128-\191][\128-\191]', ' ')
  return (text:gsub('\244[\128-\143][\128-\191][\128-\191]', ' '))
end

-- Whether these bytes are UTF-8 without control characters.
local function is_text(bytes)
  if bytes:find('^[ -~]*$') then return true end
  return not bytes:find('%c') and not without_valid_utf8(bytes):find('[\128-\255]')
end

-- Keys of the objects inside a decoded value, and its depth.
local function measure(value, depth)
  if type(value) ~= 'table' then return 0, depth end
  local keys, deepest = 0, depth + 1
  for key, item in pairs(value) do
    if type(key) == 'string' then keys = keys + 1 end
    local inner, reached = measure(item, depth + 1)
    keys = keys + inner
    if reached > deepest then deepest = reached end
  end
  return keys, deepest
end

local words = {['true'] = '', ['false'] = '', ['null'] = ''}

-- What is left of a text (see is_text) that is an array or object in JSON that every Resque reads, with each string as one
-- quote, and without words: brackets, commas, colons, numbers as they are written. False for any other text.
local function bones_of(text)
  if #text > 16384 then return false end
  local bones = text
  if bones:find('\\', 1, true) then
    bones = bones:gsub('\\["\\bfnrt]', '')
    if bones:find('\\', 1, true) then return false end
  end
  bones = bones:gsub('"[^"]*"', '"')
  if bones:find('%a') then bones = bones:gsub('%a+', words) end
  -- A pattern that is anchored reads the text once; one that is not begins anew at each character.
  if not bones:find('^[%[{][%[%]{}:,"%d%.%-]*$') or (#bones > 300 and bones:find(('%d'):rep(300))) then return false end
  if bones:find('[%.%-]') then
    for number in bones:gmatch('[%d%.%-]+') do
      if not (number:find('^%-?%d+$') or number:find('^%-?%d+%.%d+$')) then return false end
    end
  end
  if bones:find('0%d') and bones:find('%f[%d%.]0%d') then return false end
  local ok, value = pcall(cjson.decode, text)
  if not ok then return false end
  if bones:byte() == 91 and not bones:find('[{%[]', 2) then return bones end
  local keys, depth = measure(value, 0)
  local _, colons = bones:gsub(':', '')
  return keys == colons and depth < 60 and bones
end
