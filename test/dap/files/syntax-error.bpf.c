SEC("xdp")
int broken(void *ctx)
{
	return 1
}
