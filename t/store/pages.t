# SPDX-License-Identifier: Apache-2.0

# A list without n that is longer than clients read comes in pages of at most
# 4 MiB.  The store is filled on the disk, for the sake of time.

use OCI::Test;

use File::Path qw(make_path);

my $MOST = 4 * 1024 * 1024;

my $server = OCI::Server->start(sanitize => 0);
my $client = OCI::Client->new($server);
my $image = $client->push_image('pages/tags', 'first');
my $index = $server->store . '/index';

my @tags = map { sprintf 't%05d%s', $_, 'x' x 114 } 0 .. 35_999;
symlink $image->{digest}, "$index/repo/pages/tags/_tag/$_" or die "$_: $!\n"
    for @tags;

my @names = map { sprintf 'pages/%05d/%s', $_, 'y' x 200 } 0 .. 20_999;
for my $name (@names) {
    my ($dir, $last) = $name =~ m{(.*)/(.*)};
    make_path("$index/catalog/$dir");
    open my $file, '>', "$index/catalog/$dir/$last!" or die "$name: $!\n";
}

sub all_of {
    my ($path, $member) = @_;
    my (@got, @lengths);
    while ($path && @lengths < 10) {
        my $res = $client->get($path);
        push @got, @{ $res->json->{$member} };
        push @lengths, length $res->body;
        ($path) = ($res->header('Link') // '') =~ m{\A<(/v2/[^>]*)>; rel="next"\z};
    }
    cmp_ok(scalar @lengths, '==', 2, "$member: two pages");
    is(scalar(grep { $_ > $MOST } @lengths), 0, "$member: none over 4 MiB");
    cmp_ok($lengths[0], '>', $MOST - 1000, "$member: the first one is full");
    return @got;
}

is_deeply([ all_of('/v2/pages/tags/tags/list', 'tags') ],
    [ sort 'first', @tags ], 'all tags');
is_deeply([ all_of('/v2/_catalog', 'repositories') ],
    [ sort 'pages/tags', @names ], 'all repositories');
is(scalar @{ $client->get('/v2/pages/tags/tags/list?n=35999')->json->{tags} },
    scalar @{ $client->get('/v2/pages/tags/tags/list')->json->{tags} },
    'a large n gives no larger page');

$server->stop;
done_testing;
