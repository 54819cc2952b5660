"""Logs of chats as conversations: exports of Discord, Telegram, Slack and WhatsApp, logs of IRC.

conversation  messages of people → conversations, which are cut at pauses and become records
exports       the JSON of Discord and Telegram, message by message
slack         Slack's messages, and the lists of people and channels beside them
whatsapp      lines of WhatsApp: dates in the forms of many countries, messages of several lines
irc           lines of irssi, WeeChat, ZNC and mIRC; hexchat: HexChat's
"""
