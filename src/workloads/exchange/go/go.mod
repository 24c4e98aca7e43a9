module exchange-go

go 1.19
