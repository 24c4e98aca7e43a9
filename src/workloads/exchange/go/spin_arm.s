// func spinHint()
TEXT ·spinHint(SB),4, $0-0
	WORD $0xe320f001
	RET
