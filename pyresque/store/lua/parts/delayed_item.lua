-- Put in front of move_due.lua: reading a delayed item without decoding and encoding it.

local words = {['true'] = '', ['false'] = '', ['null'] = ''}

-- Whether this text is a JSON array that every Resque reads. Doubt is no: then the caller decides.
local function is_array(text)
  if text == '[]' then return true end
  if #text > 16384 then return false end
  local bones = text
  if bones:find('\\', 1, true) then
    bones = bones:gsub('\\["\\bfnrt]', '')
    if bones:find('\\', 1, true) then return false end
  end
  bones = bones:gsub('"[^"]*"', '"')
  if bones:find('%a') then bones = bones:gsub('%a+', words) end
  -- A pattern that is anchored reads the text once; one that is not begins anew at each character.
  if not bones:find('^[%[%]{}:,"%d%.%-]*$') or (#bones > 300 and bones:find(('%d'):rep(300))) then return false end
  if bones:find('[%.%-]') then
    for number in bones:gmatch('[%d%.%-]+') do
      if not (number:find('^%-?%d+$') or number:find('^%-?%d+%.%d+$')) then return false end
    end
  end
  if bones:find('0%d') and bones:find('%f[%d%.]0%d') then return false end
  local ok, value = pcall(cjson.decode, text)
  if not ok then return false end
  if not bones:find('[{%[]', 2) then return true end
  local keys, depth = measure(value, 0)
  local _, colons = bones:gsub(':', '')
  return keys == colons and depth < 60
end

-- Class, arguments (as text) and queue of an item just as Ruby writes it; nothing if it is any other.
local function canonical(item)
  local class, args, queue = item:match('^{"class":"([^"\\:%-][^"\\%-]*)","args":(%[.*%]),"queue":"([^"\\]+)"}$')
  if class and is_text(item) and is_array(args) then return class, args, queue end
end
